// Package journal keeps the log: it takes appends, gathers those of different runs
// into one commit, and answers each when it is durable. It has rules and no SQL;
// Store is what it needs of a database.
//
// # Lanes
//
// A thread is always in the same lane of its node, and a lane has one batch at the
// database at a time: while that commits, the next gathers. So the number of commits
// follows the speed of the disk, not the number of steps, and a lone append waits for
// nobody. Entries of one thread keep their order.
//
// # Failure
//
// A refusal (CodeFenced, CodeBusy, CodeConflict) is for one op and is its answer. A
// batch whose answer is lost is handed in again, the same batch, until it is known
// what landed: an Append is recognised by its number. A value that the database
// refuses fails the one entry that bears it: the lane halves the batch until it stands
// alone. Trouble of the database never fails an append of an owner: the lane tries
// again until the owner's context ends, which is when its lease is lost. Writers
// from outside are told CodeUnavailable instead, because somebody waits for them.
//
// # Growth
//
// What waits in a lane is bounded in bytes; past it, the one who hands in waits.
package journal
