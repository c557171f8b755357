// Package sessionspawned is the analyzer of that name: it finds sessions in the hands
// of goroutines that are not waited for before the session ends, or that share one.
//
// Its rules: a goroutine that ends the session itself has taken it over, and a
// goroutine that the function waits for may use it alone.
//
// Failures: none; any wait after the go statement counts as waiting for it.
package sessionspawned
