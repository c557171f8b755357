// Package supervisor has many runs in hand: it claims threads for its node, executes their
// runs, watches them, takes over what dead nodes left, and lets go of everything when it stops.
//
// # Terms and the lease
//
// A node is a member of the cluster for a term: it joins with a fresh id and beats. The lease
// is good for a while after the last beat that went through. Past it no thread is claimed and no
// step begins, but running steps go on. When a beat is answered that the node was declared dead,
// or the lease has been over for half a minute, the term ends: its executions are lost, without
// another word in the log, and a new term begins under a fresh id.
//
// # Rules
//
//   - A claim is never dropped. Whatever hands the node a thread (a claim, or an accept that took
//     it in the same commit) ends in an execution, in run.handed, or in the end of the term.
//   - A slot is reserved before a thread is asked for, so that limits hold without handing back.
//   - Hints and the inbox are both heard: a hint that was lost costs a second.
//   - A run that five nodes or more in a row died of, over at least 30 s and with nothing new recorded, is
//     failed, not executed.
//
// # Failure
//
// Trouble of the store is logged when it begins and when it ends, and tried again with
// the next tick. An agent that ignores the end of its context cannot be stopped: it is named
// in the log with its stack, keeps its slot, and does not keep the node from leaving. What
// a commit of unknown outcome may have given to the node is looked for, and freed by a new
// term when it is found.
package supervisor
