// Package handle knows the types of database handles in Go: which are pools,
// which are sessions taken from one, what opens and what ends each.
//
// Its rules: a handle is known by the package path and name of its type, never by
// a variable's name; the packages covered are database/sql, pgx (v4 and v5),
// pgxpool and sqlx. What wraps them is discovered elsewhere, by facts.
//
// Failures: there are none. A type it does not know is None, and the rules stay
// silent about it.
package handle
