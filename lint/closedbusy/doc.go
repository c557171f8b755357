// Package closedbusy is the analyzer of that name: it finds connections that are
// closed while rows or a transaction on them are open, which waits for ever.
//
// Its rules: deferred calls run in reverse, so a Close that is deferred before its
// rows' is right.
//
// Failures: none.
package closedbusy
