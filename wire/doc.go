// Package wire holds the frames of the WebSocket protocol and the bodies of the
// HTTP interface: what a client and the server say to each other, and nothing of
// how either keeps it. Names here hold still once they ship; they are added to.
//
// # Reading
//
// Decode is the one way in for JSON from outside: it refuses broken UTF-8, deep
// nesting, and fields that are unknown or stand twice, with a sentence that says
// which. ParseFrame does the same for a client's frame and gives its id back even
// when the rest is wrong, so that the error frame can name it.
//
// # Failure
//
// An error travels as a Problem (RFC 9457) with a stable code; ProblemOf makes one
// and Problem.Err turns it back into a *reeve.Error. The status of each code stands in one
// table. What an error without a code says stays inside: the client reads "internal
// error", the log has the rest.
package wire
