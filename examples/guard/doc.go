// Command guard is a failure that happened, in Go, once bare and once guarded: a
// handler lends its database session to a supervisor that outlives it.
//
//	go run ./examples/guard
//
// Its rules: the same database (SQLite in a temporary folder, one connection) and the
// same mistakes twice, first with database/sql alone, then with package sessionsql.
// Failures are what it shows: each is printed in a line, with the time it took.
package main
