// Package sessiontest is for the tests of programs that use session: no unit
// may be left open when a test ends.
package sessiontest
