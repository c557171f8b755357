// Package lint finds database sessions that outlive their scope before the
// program runs, in Go and in Python. People use it without reeve: it imports
// nothing of the rest.
//
// Its duty is the engine behind "reeve vet": Vet reads what the paths name, runs
// the rules and gives a Report; WriteText, WriteJSON and WriteSARIF print it. The
// rules themselves are analyzers of go/analysis, one a folder (Analyzers lists
// them for other drivers), and package pysession for Python.
//
// Its rules: silent when unsure. A finding of severity error is a bug; what is
// likely but not proven is a warning. One finding a flow, at the line where the
// short-lived handle meets its long-lived holder, with where it was opened and
// ended as related lines. A comment "//reeve:allow RULE REASON" (in Python
// "# reeve: allow RULE REASON") on the line or the line above takes a finding out
// of Findings and into Allowed.
//
// Failures: what cannot be read, parsed or type-checked is named in
// Report.Skipped and the rest goes on. Vet returns an error only when it can say
// nothing at all: a path that is not there, a revision git does not know, a
// cancelled context.
package lint
