// Package sqlc shows that what Do gives out is what sqlc's generated code takes: its
// DBTX for database/sql (package accounts) and for pgx (package accountspgx).
//
// Its rule: the two packages have the form that sqlc generates, and are not changed to fit
// the guard. Failures are those of the queries and of the guard.
package sqlc
