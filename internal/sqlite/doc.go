// Package sqlite is the store that keeps the log in one SQLite file, for one
// server on one machine.
//
// # Rules
//
// There is one writer: a pool of one connection, taken in turns, whose units begin
// IMMEDIATE. So whatever a unit reads is still true when it writes, and an op is
// decided before anything of it is written; a refusal leaves no trace. Readers have
// connections of their own that cannot write; they see the last commit and wait for
// nobody. The file is in WAL mode with synchronous FULL: a commit that was answered
// survives kill -9 and the loss of power.
//
// A batch costs a handful of statements, not some for each op: its threads are read in
// one, decided on in memory, and written in chunks of rows, which hold only what cannot
// be told from the rest. A step costs one row of the log and its place in one index: the
// thread's row need not follow, because the last position, the acknowledgement and the
// time in it are what the log says. It may be some entries behind; whoever reads it looks
// at the log's end as well.
//
// The threads' rows are remembered from commit to commit. That is allowed because Lock
// gives the data directory to one process; it is checked all the same, because a person
// with the sqlite3 shell needs no lock: each unit first asks whether another connection
// has committed, and then forgets. It forgets on any error, too.
//
// # Times
//
// The clock is this machine's, in microseconds. Within a thread it never runs
// backwards, and neither does the order of runs.
//
// # Failure
//
// A full disk, a lock held by another program and the like are errors of the unit:
// nothing of it is written, the next may succeed, and the message says what an operator
// does. A value that SQLite refuses is a *journal.PoisonError. A file that is damaged,
// read-only or newer than this program is refused by Open, with the reason. After
// Close every method is refused with reeve.CodeUnavailable.
//
// A unit that writes is not interrupted by its caller's context, only not begun: a
// commit whose answer nobody waits for has happened or has not, but is never in doubt.
package sqlite
