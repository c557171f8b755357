// Package server is the roof: the one room that knows all rooms and brings them together. It
// opens the store, starts the journal, the supervisor and the gateway in the right order,
// and stops them in the opposite one.
//
// # Use
//
// New opens everything that can refuse: the data directory with its lock, the database, the
// tokens. Run listens and serves until its context ends. A program with a mux and a listener of its own
// mounts Handler and calls Work instead.
//
// # Stopping
//
// When the context ends, /readyz says no, and running work may go on for the grace period
// while clients still read and answer. What is left is handed over by the log. Then sockets and
// streams are closed, the journal ends, and the store is closed last. Halt cuts all of that
// short; nothing is lost by it, because whatever was answered is in the log.
//
// # Failure
//
// A server that cannot keep its promises does not start: a directory that another server holds, a
// file that is damaged or cannot be written, an address that others can reach without a token.
// Once it runs, trouble of the store makes /readyz and /health say no, with the reason, and the
// process lives on.
package server
