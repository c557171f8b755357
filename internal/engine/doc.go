// Package engine executes one run: it reads what the log has of it, runs the agent with
// every recorded operation answered from there, records what is new, and says how it came out.
//
// # Rules
//
//   - No unit of work is open while the agent's code runs: the engine reads and writes through
//     the journal, each time in a unit that has ended when it returns.
//   - An outcome is in the log before the agent sees it.
//   - Replay compares number, kind and name of each operation. Another one, or recorded
//     operations that are never asked for, fails the run with CodeDiverged and both sides.
//   - A step runs on its agent's own goroutine. Only branches have goroutines of their own, and the
//     scope that started them waits for them.
//
// # Waiting
//
// An execution counts its branches that do not wait. When all of them have waited, in
// questions and sleeps, for a minute, it lets go of the thread by a statement that
// also checks that it has read everything; then its context ends with
// agent.ErrSuspended, the functions return, and nothing of the run is left here.
//
// # Failure
//
// A panic of the author's code fails its step or agent; the stack goes to the operator's log
// and never to the entries. A thread that is lost (CodeFenced) ends the execution without another
// word: somebody else has the run.
package engine
