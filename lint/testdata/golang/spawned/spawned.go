// Package spawned has sessions in the hands of goroutines.
package spawned

import (
	"context"
	"database/sql"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

func caught(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	go func() { // want sessionspawned error
		tx.Exec("insert")
	}()
	return tx.Commit()
}

func handed(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	go listen(ctx, conn) // want sessionspawned error
	return nil
}

func listen(ctx context.Context, conn *pgxpool.Conn) { conn.Exec(ctx, "listen x") }

func given(ctx context.Context, tx pgx.Tx) {
	go func() { // want sessionspawned error
		tx.Exec(ctx, "insert")
	}()
}

type repo struct{ tx *sql.Tx }

func (r *repo) save() { r.tx.Exec("insert") }

func inside(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	r := &repo{tx: tx}
	go r.save() // want sessionspawned error
	return tx.Commit()
}

func shared(ctx context.Context, db *sql.DB, xs []string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var g errgroup.Group
	for _, x := range xs {
		g.Go(func() error { // want sessionspawned warning
			_, err := tx.ExecContext(ctx, x)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return tx.Commit()
}

// What follows is right.

func joined(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var wg sync.WaitGroup
	wg.Go(func() { tx.Exec("insert") })
	wg.Wait()
	return tx.Commit()
}

func takenOver(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	go func() {
		defer conn.Release()
		conn.Exec(ctx, "listen x")
	}()
	return nil
}

func takenOverByName(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	go listenAndRelease(ctx, conn)
	return nil
}

func listenAndRelease(ctx context.Context, conn *pgxpool.Conn) {
	defer conn.Release()
	conn.Exec(ctx, "listen x")
}

func ownEach(ctx context.Context, db *sql.DB, xs []string) error {
	var g errgroup.Group
	for _, x := range xs {
		g.Go(func() error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			defer tx.Rollback()
			if _, err := tx.ExecContext(ctx, x); err != nil {
				return err
			}
			return tx.Commit()
		})
	}
	return g.Wait()
}
