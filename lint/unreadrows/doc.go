// Package unreadrows is the analyzer of that name: it finds results that are not
// closed on some way out of the function, and single rows that are never scanned.
//
// Its rules: rows read to the end close themselves; a library's function that takes
// rows closes them.
//
// Failures: none.
package unreadrows
