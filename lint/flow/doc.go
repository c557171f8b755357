// Package flow follows database handles through Go functions. It is the ground that
// the analyzers beside it stand on: an analyzer of go/analysis that reports nothing
// and gives a Result of tracks.
//
// A Track is one handle from where it came to be (opened by a call, or given as a
// parameter) through its names, closures and holders to what happens to it: ended,
// used, stored, sent, spawned, returned, handed to what is not known. Between
// functions and packages go summaries, as facts: which parameters a function ends,
// keeps or returns, which results it opens or makes afresh, which fields hold handles
// that somebody ends.
//
// Its rules: only packages that reach a database library are built; silence where a
// handle goes out of sight. Handles are known by package handle, by the shape of a
// transaction type (Commit and Rollback), and by where they came from, for libraries
// whose session and pool have one type.
//
// Failures: there are none of its own. A package that does not type-check does not
// come here; the engine looks at it by syntax.
package flow
