// Package session is the guard of database sessions: at run time no session
// outlives its scope, and nothing hangs.
//
// A unit is one piece of work with one session, one owner and one short life.
// Pool.Do opens it, gives it to a function, and ends it when the function returns.
// What is done against that (use after the end, use by two at once, a second unit of
// the pool while one is held, a commit with rows open, waiting for something else
// with a unit open) is an *IllegalStateError at once, which names the operation, the
// state, the lines that opened and used the unit, and what to write instead.
//
// The adapters are sessionsql for database/sql and sessionpgx for pgx. Another one
// makes a Guard for each pool, a Hold for each unit, and calls Enter and Exit around each
// operation: one compare-and-swap each.
//
// Its rules: only the standard library is imported, and nothing of reeve. Overlap is
// what is detected, never the identity of a goroutine: handing a unit from one
// goroutine to the next is legal. Places in the source are kept as program counters
// and read only when somebody asks. There is one piece of global state, the list of
// open units with their counters (Units, Stats).
//
// Failures: the guard has none of its own; a broken rule is the caller's error, and
// the mode of each rule says whether it is refused, logged, or let pass.
package session
