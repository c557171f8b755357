// Package rule is the dictionary of lint: what a rule is, what a finding is, and
// the table of every rule with the words that people read.
//
// Its rules: only the standard library is imported, and nothing here looks at
// source. The analyzers, package pysession and the engine share these types, so
// that a misuse has one name in every language and every output.
//
// Failures: ParseSeverity refuses what is no severity; Named says whether a rule
// is there. Nothing else can fail.
package rule
