// Package agent is what the author of an agent imports.
//
// An agent is a Go function under a name. What it must not do twice it does in
// a Step; what takes another agent it does by Call, Parallel or Go; what takes a
// person it does by Ask. Each of these is an operation: it has a number and a name within
// its scope, its outcome is written to the thread's log before the function sees it,
// and after a crash it is answered from the log instead of being done again.
//
// # Rules
//
//   - The body of an agent is run again from the top after a crash, with every finished
//     operation answered from the log. So a body decides by what operations gave it, and by
//     Now and Rand; never by time.Now, random numbers, the order of a map or a goroutine.
//   - A result is what its JSON says. Step returns what was written, decoded again, on the
//     first run too, so that nothing behaves differently after a crash.
//   - A scope (an agent call or a parallel branch) belongs to one goroutine. A second that calls
//     in at the same time gets a *session.IllegalStateError; only Parallel and Go make branches.
//   - No database unit may be open when an operation begins. That too is a *session.IllegalStateError
//     at once, with the line that opened the unit.
//
// # Failure
//
// An operation's failure comes back as a *StepError: path, try and code, the same from
// the log as at first. When the run was cancelled, released or has lost its thread, every
// operation returns at once with the cause; return it, and what the function then returns
// does not matter. Permanent says that no further try will help.
package agent
