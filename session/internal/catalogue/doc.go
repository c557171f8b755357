// Package catalogue runs every misuse of a database session twice: bare, to see what
// the library does by itself, and under the guard, which must give a typed error at
// once. The databases are real: SQLite and PostgreSQL through database/sql, PostgreSQL
// through pgx.
//
// Its tests write what they saw into the table of the README of package session (go
// test -update), and fail when the table is not what they see.
package catalogue
