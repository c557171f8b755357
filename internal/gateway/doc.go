// Package gateway is the door: HTTP, server-sent events and WebSockets, for clients that
// start runs, follow them, and come back.
//
// # Rules
//
// Following is position-exact: after n come n+1, n+2, … without a hole or a repeat, whatever
// is lost on the way. A follower subscribes before it reads; it takes what a hint brings only if
// that joins what it has, and reads the log otherwise. Once a second all followed threads
// are compared with the store in one look, so that a lost hint costs a second and nothing else.
//
// Nobody waits for a client. A publisher leaves entries in a mailbox of bounded size and
// goes on; a client for whom too much waits is closed, and comes back by position. Closing a
// socket does not cancel a run.
//
// Every request is checked in one place: where it comes from, who asks, what type and size the body
// has. What belongs to another owner is not there, by every route and frame, in the same words.
// No database unit is open while a client is waited for: the gateway opens none.
//
// # Goroutines
//
// An idle socket has one goroutine, which reads; another writes only while there is something to
// write. One clock serves pings, beats and the look at the store for all. Close ends them all
// and waits.
//
// # Failure
//
// An error is a problem with a stable code (package wire has the table); what has no code is logged and
// shown as "internal error". A position that cannot be served is a reset with the first
// one that can, never a silent hole. A store that does not answer within the bound is CodeUnavailable;
// a follow ends with it and is taken up again by position.
package gateway
