// Package bench measures this machine: what reeve does on it, and beside it what the bare
// database does under the same conditions.
//
// # What is measured
//
//   - throughput: runs of N steps with a small result each, started one after the other by as many
//     clients as there are runs in flight, through supervisor, engine, journal and store, without HTTP.
//   - bare: the same lanes, batch limits, commits a run, payload bytes, durability and garbage
//     collector, and nothing else: each commit is one row in a log, written if the thread's fence still stands.
//     Both files lie in the same folder. Measurements of the two alternate; the ratio is the median of
//     the pairs' ratios.
//   - single: one run alone, step after step, against one-row commits of the bare; and from the start
//     of a run to its first entry at a client over a real WebSocket.
//   - waiting: runs that each wait inside a step.
//   - websocket: idle sockets, whose clients are a process of their own.
//
// # Rules
//
// Every wait has a bound, and the whole of Run has its context's. Memory is the process's resident
// set after a collection, never the allocator's own opinion. Everything that is opened is
// closed again before the next measurement begins.
//
// # Failure
//
// A measurement that fails ends Run with its error: half a table would be taken for a whole one.
package bench
