// Package usedafterend is the analyzer of that name: it finds uses of a session after
// it was committed, rolled back, closed or released on every way there, and rows that
// are given away although the transaction that they hang on is ended by then.
//
// Its rules: only an end that has happened for certain counts, on the same name.
//
// Failures: none; it is silent about names that stand for more than one session.
package usedafterend
