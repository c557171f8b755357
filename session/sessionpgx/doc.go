// Package sessionpgx is the guard for pgx and pgxpool: units of work that end when
// their function returns, on any *pgxpool.Pool.
//
// Its rules: the handle that Do gives out is a pgx.Tx, so that sqlc and hand-written
// queries take it as it is; rows, batches and rows of QueryRow keep it busy until they
// are read or closed. After the end every method returns an
// *session.IllegalStateError, and the database is not asked. A connection whose *pgx.Conn was
// handed out is destroyed at the end, because nobody can know who has kept it.
//
// Watch puts the guard under a pool without touching those who use it: held
// connections are listed and age, waits are bounded, circles are found, and a raw connection
// that is used after its release is refused. It is a tracer: pgx asks it about every
// acquire, release and statement, and takes its refusal as a context that has ended.
//
// Failures: an error of fn rolls back and is returned as it is; a panic rolls back
// and goes on; an error of the database is wrapped with what was done. A rollback has
// five seconds; after that the connection is closed. A statement that another
// goroutine still runs when the unit ends is not waited for: the unit is over at once, and
// that goroutine releases the connection when its statement returns.
package sessionpgx
