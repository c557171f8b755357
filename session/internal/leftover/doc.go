// Package leftover finds out what statements leave on a connection: a transaction, a
// lock, a setting.
//
// Its rule: it goes by the words of statements, because no driver tells it without a
// round trip. So what a function on the server leaves is not seen. Only about a lock the
// server is asked, when a connection comes back whose statements have named one. It has
// no failures.
package leftover
