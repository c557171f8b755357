// Package waitholding is the analyzer of that name: it finds waits for another machine,
// for time or for another program while a transaction is open.
//
// Its rules: what a called function waits for counts as well, as far as facts tell.
//
// Failures: none.
package waitholding
