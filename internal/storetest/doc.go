// Package storetest is the one suite that every journal.Store passes. It is the contract
// of the log, written so that it can fail: a change of the contract begins here.
//
// # Rules
//
// A store is tried through journal.Store alone, and the suite knows nothing of its
// insides. Where the comments of the interface leave a choice, the suite decides, and the
// test that decides says so in its comment:
//
//   - An Append is written only for who holds the thread: after it was let go, and on a
//     thread that is not there, new numbers are refused with CodeFenced.
//   - Numbers may have gaps (a refused or poisoned append leaves one). A resend gets the
//     positions that each number was given, also when others wrote in between, and the
//     refusal again where it was refused.
//   - An Append without entries is CodeInvalid: the log tells every change.
//   - A thread that is written to keeps its place among those that wait to be claimed.
//   - What was written from outside and not looked at survives a release: without
//     IfLastSeq the thread can be claimed at once.
//   - The questions of a failed run are closed while it is failed and open again after a retry.
//   - A retry begins with no strikes and no cancel request, and its attempt stays.
//   - The lowest queued number of a thread goes first.
//   - A key lives as long as its run.
//   - A thread that was deleted and made again has another epoch, and its fences go
//     on above the old ones.
//   - A limit outside its range, or a cursor to what is gone, is CodeInvalid.
//
// # Failure
//
// Every test waits for facts. Concurrent tests run under one deadline that is far above
// what a slow machine needs; when it passes, the store hung.
package storetest
