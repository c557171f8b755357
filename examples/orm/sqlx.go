package orm

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"

	"github.com/reeve-run/reeve/session/sessionsql"
)

// Sqlx gives a unit the methods of sqlx that fill structs.
type Sqlx struct{ *sessionsql.Tx }

// Select fills dest, a pointer to a slice, with all rows.
func (x Sqlx) Select(ctx context.Context, dest any, query string, args ...any) error {
	rows, err := x.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return errors.Join(sqlx.StructScan(rows, dest), rows.Close())
}

// Get fills dest, a pointer to a struct, with the first row; sql.ErrNoRows when there is none.
func (x Sqlx) Get(ctx context.Context, dest any, query string, args ...any) error {
	rows, err := x.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	wrapped := sqlx.Rows{Rows: rows, Mapper: mapper}
	if !wrapped.Next() {
		return errors.Join(sql.ErrNoRows, rows.Err())
	}
	return errors.Join(wrapped.StructScan(dest), rows.Close())
}

// NamedExec runs a statement whose :names are the fields of arg.
func (x Sqlx) NamedExec(ctx context.Context, query string, arg any) (sql.Result, error) {
	bound, args, err := sqlx.Named(query, arg)
	if err != nil {
		return nil, err
	}
	return x.ExecContext(ctx, sqlx.Rebind(sqlx.DOLLAR, bound), args...)
}

var mapper = reflectx.NewMapperFunc("db", strings.ToLower)
