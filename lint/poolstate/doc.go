// Package poolstate is the analyzer of that name: it finds statements that bind to one
// connection, sent through a pool that has many: BEGIN, session locks, SET, LISTEN,
// temporary tables; and a BEGIN on a taken connection that nothing ends.
//
// Its rules: the text must be a constant. It is a warning, for how many connections the
// pool has is settled elsewhere; a package that sets one as the most is left alone.
//
// Failures: none.
package poolstate
