// Package retriedstate is the analyzer of that name: it finds literals that are run
// again when their transaction failed, and add to a variable from outside.
//
// Its rules: the literal is given to a library's function that retries, or to one that
// the facts know to call it again; it appends or adds to what it caught and does not
// set it anew first. A map or a plain assignment is the same after the second time.
//
// Failures: none.
package retriedstate
