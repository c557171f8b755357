// Package neverended is the analyzer of that name: it finds sessions that are opened
// and, on some way out of the function, not ended.
//
// Its rules: ends in deferred literals and in functions that are known to end what
// they are given count. A session that is stored, returned, sent or handed to what is
// not known has another owner, and is not this analyzer's business.
//
// Failures: none.
package neverended
