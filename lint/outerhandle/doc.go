// Package outerhandle is the analyzer of that name: it finds statements sent through
// the pool while a transaction from that very pool is in scope.
//
// Its rules: it must be the same pool by the same name; another pool, such as a
// read-only replica, is not meant. What runs only after an error is left alone: to
// write down a failure outside the transaction can be right.
//
// Failures: none.
package outerhandle
