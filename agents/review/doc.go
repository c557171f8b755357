// Package review is a crew that looks through source code for database sessions that
// outlive their scope: a supervisor (review) over inventory, one scan a folder, and
// report.
//
// Its rules: it reads below the allowed roots only, and refuses a path that is
// outside or that a link leads outside. What is found is found by syntax tree,
// through package lint. Everything that touches the disk is inside a step, so that
// a run that moves to another node does not look twice.
//
// Failures: a path that is not there or not allowed fails the run for good. A file
// that is too big, binary, unreadable or broken is named in the report, and the rest
// goes on. A scan that fails is tried again, and then fails the run.
package review
