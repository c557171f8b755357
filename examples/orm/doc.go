// Package orm shows units of package sessionsql under gorm, bun, ent and sqlx. It is a
// module of its own, so that none of them is a dependency of reeve.
//
// Its rules: gorm, bun and ent take a *sessionsql.Tx as it is; sqlx wants types of its own,
// so it gets a small adapter, Sqlx. Failures are those of the libraries and of the
// guard, which pass through all of them and still match session.ErrIllegalState.
package orm
