// Package leftover finds out what statements leave on a connection: a transaction, a
// lock, a setting.
//
// Its rule: it goes by the first words of each statement, because no driver tells it
// without a round trip. So what a function on the server leaves is not seen, and
// neither are the statements of one text after its first. It has no failures.
package leftover
