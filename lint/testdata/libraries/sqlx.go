// Package libraries has sessions of libraries that are not dependencies of reeve.
package libraries

import (
	"context"

	"github.com/jmoiron/sqlx"
)

type row struct{ N int }

// mapped is right: rows, row and transaction of sqlx have those of database/sql inside.
func mapped(ctx context.Context, db *sqlx.DB) ([]row, error) {
	rows, err := db.QueryxContext(ctx, "select")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		var r row
		if err := rows.StructScan(&r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func unmapped(db *sqlx.DB) (row, error) {
	rows, err := db.Queryx("select") // want unreadrows error
	if err != nil {
		return row{}, err
	}
	var r row
	for rows.Next() {
		if err := rows.StructScan(&r); err != nil {
			return r, err
		}
	}
	return r, rows.Err()
}

func mappedOuter(ctx context.Context, db *sqlx.DB) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := tx.GetContext(ctx, &row{}, "select"); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "insert"); err != nil { // want outerhandle error
		return err
	}
	return tx.Commit()
}
