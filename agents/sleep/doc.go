// Package sleep is an agent that takes a number of steps of a given length. It is
// there to try recovery, cancelling and load.
//
// Its rules: the waiting is inside the steps, named "step", so that their paths are
// step, step#2 and so on; a cancelled run leaves its step at once.
//
// Failures: numbers out of range are refused with reeve.CodeInvalid, and FailAt makes
// its step fail for good, with one try.
package sleep
