// Package reeve is the dictionary of the house: ids, threads, runs, entries,
// positions, beats and errors, the words that every room uses with one meaning.
//
// Its rules: only the standard library is imported; nothing here does I/O,
// starts a goroutine or keeps state. A value that comes from outside is checked
// here (ParseThreadID, ParseRunID, CheckName), so that every border refuses the
// same things with the same words.
//
// Failures are *Error values with a stable Code. A room that adds context wraps
// them with fmt.Errorf and %w; CodeOf finds the code again at the border.
package reeve
