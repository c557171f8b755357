// Package fixes has what can be mended for certain, and what cannot.
package fixes

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5/pgxpool"
)

func leaves(db *sql.DB, n int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	return tx.Commit()
}

func leavesWithContext(ctx context.Context, pool *pgxpool.Pool, n int) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	return tx.Commit(ctx)
}

func held(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "insert")
	return err
}

func open(ctx context.Context, db *sql.DB) (n int, err error) {
	rows, err := db.QueryContext(ctx, "select n")
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

func dropped(db *sql.DB) error {
	_, err := db.Query("vacuum")
	return err
}

func unread(db *sql.DB) {
	db.QueryRow("select touch()")
}

func outer(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := db.ExecContext(ctx, "insert"); err != nil {
		return err
	}
	return tx.Commit()
}

// What follows is found and left to its author.

func undecided(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert")
	return err
}

func loop(db *sql.DB, xs []string) error {
	for _, x := range xs {
		rows, err := db.Query(x)
		if err != nil {
			return err
		}
		if len(x) > 9 {
			return sql.ErrNoRows
		}
		rows.Close()
	}
	return nil
}
