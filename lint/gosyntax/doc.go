// Package gosyntax looks for escaping sessions in Go that cannot be fully
// type-checked: a tree without its dependencies, without a module, or that does
// not compile.
//
// Its rules: each folder is parsed by itself, and go/types is run over it with
// errors forgiven. database/sql, pgx, pgxpool and sqlx are known by outlines of
// their names and shapes, so that handles are resolved by import; every other
// import is an empty package. What an expression is, is believed only where
// go/types could tell. Without summaries of other packages only two rules are
// run, sessionstored and sessionspawned, and a finding is an error only when the
// opening of the handle stands in the same function.
//
// Failures: a file that does not parse is skipped with the reason; the rest of
// its folder goes on.
package gosyntax
