// Package sessiontest is for the tests of programs that use session: no unit may be
// left open when a test ends (VerifyNone, or Context for a test alone among parallel ones), and every
// misuse can be made to happen when the test says so (Database).
//
// Its rules: it imports session and database/sql only, waits for facts and not for
// time, and works inside a testing/synctest bubble. Failures are reported by Errorf, at
// the test's end, with the lines that opened what is left.
package sessiontest
