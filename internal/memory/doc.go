// Package memory is the store that keeps everything in this process: for tests, for
// agenttest, and as the plain reading of the store's contract beside the databases.
//
// # Rules
//
// One mutex guards the whole store. An op is decided before anything is written, so that
// a refusal leaves no trace and needs no undoing. The log only grows at its end and at
// most loses its front (Prune), therefore a position is an index and nothing that a
// commit does depends on how long a log is. Threads that can be claimed wait in one heap
// an agent, ordered by their time: idle threads and those of paused agents cost a claim
// nothing.
//
// There are no goroutines, and the clock is time.Now alone, so that the store works
// inside the bubbles of testing/synctest. What is handed in is copied; what is handed out
// shares its bytes with the store and must not be changed.
//
// # Nodes
//
// The memory of a process has one node: Join declares every other dead, as SQLite's lock
// does. A store made with Shared has as many as join, and Kill is how one dies.
//
// # Failure
//
// Nothing survives the process. After Close every method is refused with
// reeve.CodeUnavailable; a context that has ended is refused with its own error, and
// nothing was done then.
package memory
