// Package goload loads Go packages for the analyzers: what reaches a database library
// from source, and everything else from the compiler's export data. That is many
// times quicker than loading everything from source, and the facts lose nothing.
//
// Its rules: the go command says what belongs to a package; test files are left out.
//
// Failures: a package that does not type-check comes back in Broken, with the first
// reason, and the rest goes on. Load returns an error when the go command is missing
// or fails as a whole, or the context ends.
package goload
