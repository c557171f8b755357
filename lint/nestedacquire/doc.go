// Package nestedacquire is the analyzer of that name: it finds a second connection
// taken from a pool while one from it is held: a transaction begun inside a
// transaction, a statement sent through the pool, or through the transaction itself,
// in the loop over open rows.
//
// Its rules: it must be the same pool by the same name. Between statements on rows of
// one connection it depends on the driver, so that is a warning, except with pgx,
// which always refuses it.
//
// Failures: none.
package nestedacquire
