// Package lostcommit is the analyzer of that name: it finds deferred commits that run
// although the work has failed: without asking for an error, by an error variable that
// the function's returns do not set, or while a panic goes through.
//
// Its rules: a named result is set by every return; another variable only where it is
// assigned. A literal that recovers has thought of panics.
//
// Failures: none.
package lostcommit
