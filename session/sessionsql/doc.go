// Package sessionsql is the guard for database/sql: units of work that end when
// their function returns, on any *sql.DB.
//
// Its rules: the only handle is the *Tx that Do gives to its function. Each
// statement claims it for its own length, so that two at once are seen; after the
// end every method returns an *session.IllegalStateError, and the database is not
// asked. A commit with rows open is refused, because database/sql would cut the rows
// off in silence. The package imports no driver.
//
// Watch and Open put the guard under a database without touching those who use it. A
// WatchedConn stands between database/sql and the driver's connection; the gate is the
// limit of connections, in place of database/sql's own, and hands them from who gives one
// back to who waits; a link is the connection itself, with what is open on it.
//
// Failures: an error of fn rolls back and is returned as it is; a panic rolls back
// and goes on; an error of the database is wrapped with what was done (begin,
// commit). A unit whose context is cancelled is rolled back by database/sql; what
// is then tried with it fails with an error that matches context.Canceled and
// session.ErrIllegalState. A statement that another goroutine still runs when the unit
// ends is not waited for: the unit is over at once, and that goroutine releases the
// connection when its statement returns.
package sessionsql
