// Package state has what stays on a connection, or in a variable, longer than meant.
package state

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func lock(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "SELECT pg_advisory_lock($1)", 1) // want poolstate warning
	return err
}

func begin(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, "BEGIN") // want poolstate warning
	return err
}

func set(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "/* tenant */ SET search_path TO tenant") // want poolstate warning
	return err
}

func kept(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	raw := conn.Conn()
	conn.Release()
	_, err = raw.Exec(ctx, "insert") // want usedafterend error
	return err
}

type key struct{}

func carried(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	ctx = context.WithValue(ctx, key{}, tx)
	go notify(ctx) // want sessionspawned warning
	return tx.Commit()
}

func withTx(ctx context.Context, tx *sql.Tx) context.Context {
	return context.WithValue(ctx, key{}, tx)
}

func carriedByName(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	inner, cancel := context.WithCancel(withTx(ctx, tx))
	defer cancel()
	go func() { notify(inner) }() // want sessionspawned warning
	return tx.Commit()
}

func notify(ctx context.Context) {}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func later(ctx context.Context, q querier) {
	go func() { q.ExecContext(ctx, "insert") }()
}

func behindAnInterface(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	later(ctx, tx) // want sessionspawned error
	return tx.Commit()
}

func retrying(ctx context.Context, db *sql.DB, fn func(tx *sql.Tx) error) error {
	for range 3 {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			tx.Rollback()
			continue
		}
		return tx.Commit()
	}
	return sql.ErrTxDone
}

func retried(ctx context.Context, db *sql.DB) ([]string, error) {
	var names []string
	err := retrying(ctx, db, func(tx *sql.Tx) error {
		var name string
		if err := tx.QueryRowContext(ctx, "select name").Scan(&name); err != nil {
			return err
		}
		names = append(names, name) // want retriedstate warning
		return nil
	})
	return names, err
}

// What follows is right.

func retriedAnew(ctx context.Context, db *sql.DB) ([]string, error) {
	var names []string
	err := retrying(ctx, db, func(tx *sql.Tx) error {
		names = nil
		var name string
		if err := tx.QueryRowContext(ctx, "select name").Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

func transactionLock(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", 1)
	return err
}

func together(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, "BEGIN; insert; COMMIT")
	return err
}

func bare(ctx context.Context, pool *pgxpool.Pool, use func(*pgx.Conn) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return use(conn.Conn())
}

func carriedOn(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	notify(withTx(ctx, tx))
	go notify(ctx)
	return tx.Commit()
}
