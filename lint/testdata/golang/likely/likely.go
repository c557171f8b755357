// Package likely has code that is right, in shapes that look like misuse.
package likely

import (
	"container/list"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
)

type key struct{}

func inContext(ctx context.Context, db *sql.DB) (context.Context, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return context.WithValue(ctx, key{}, tx), nil
}

type queue struct {
	open  list.List
	byKey sync.Map
}

func (q *queue) push(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	q.open.PushBack(tx)
	return nil
}

func (q *queue) put(db *sql.DB, name string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	q.byKey.Store(name, tx)
	return nil
}

func wrapped(db *sql.DB) error {
	tx, err := db.Begin()
	if err = wrap(err); err != nil {
		return err
	}
	return tx.Commit()
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("begin: %w", err)
}

func told(w http.ResponseWriter, db *sql.DB) {
	tx, err := db.Begin()
	if tell(w, err) {
		return
	}
	_ = tx.Commit()
}

func tell(w http.ResponseWriter, err error) bool {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	return err != nil
}

func noRows(db *sql.DB) error {
	rows, err := db.Query("select 1")
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == sql.ErrConnDone {
		return nil
	}
	if err != nil {
		return err
	}
	return rows.Close()
}

type reader struct{ err error }

func (r *reader) fieldError(db *sql.DB) error {
	var tx *sql.Tx
	tx, r.err = db.Begin()
	if r.err != nil {
		return r.err
	}
	return tx.Commit()
}

func waitElsewhere(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = tx.Exec("insert")
	}()
	join(done)
	return tx.Commit()
}

func join(done chan struct{}) { <-done }

var lock *sql.Conn

func takeLock(ctx context.Context, db *sql.DB) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	lock = conn
	return nil
}

func dropLock() error { return lock.Close() }

func named(db *sql.DB) (tx *sql.Tx, done func(), err error) {
	tx, err = db.Begin()
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = tx.Rollback() }
	return
}

func retried(db *sql.DB) error {
	for range 3 {
		tx, err := db.Begin()
		if err != nil {
			continue
		}
		if _, err := tx.Exec("insert"); err != nil {
			_ = tx.Rollback()
			continue
		}
		return tx.Commit()
	}
	return errors.New("three times")
}

func scanned(db *sql.DB) (n int, err error) {
	err = scan(db.QueryRow("select 1"), &n)
	return n, err
}

type scanner interface{ Scan(...any) error }

func scan(s scanner, n *int) error { return s.Scan(n) }

func batches(ctx context.Context, pool *pgxpool.Pool) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for range 3 {
		rows, err := tx.Query(ctx, "select 1")
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		if _, err := tx.Exec(ctx, "update"); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

func allOrNothing(db *sql.DB) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		switch p := recover(); {
		case p != nil:
			_ = tx.Rollback()
			panic(p)
		case err != nil:
			_ = tx.Rollback()
		default:
			err = tx.Commit()
		}
	}()
	_, err = tx.Exec("insert")
	return err
}

func cleanedUp(db *sql.DB, dry bool) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	undo := func() { _ = tx.Rollback() }
	if dry {
		undo()
		return nil
	}
	if _, err := tx.Exec("insert"); err != nil {
		undo()
		return err
	}
	return tx.Commit()
}

type store struct{ tx *sql.Tx }

func (s store) with(tx *sql.Tx) *store { return &store{tx: tx} }

func (s store) insert() error {
	_, err := s.tx.Exec("insert")
	return err
}

func (s store) inTx(db *sql.DB, work func(*store) error) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if err := work(s.with(tx)); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func seq(db *sql.DB) (func(func(int) bool), error) {
	rows, err := db.Query("select 1")
	if err != nil {
		return nil, err
	}
	return func(yield func(int) bool) {
		defer rows.Close()
		for rows.Next() {
			var n int
			if rows.Scan(&n) != nil || !yield(n) {
				return
			}
		}
	}, nil
}

func each(db *sql.DB) error {
	all, err := seq(db)
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for n := range all {
		if _, err := tx.Exec("insert", n); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func first(db *sql.DB) (n int, err error) {
	rows, err := db.Query("select 1")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if rows.Next() {
		return n, rows.Scan(&n)
	}
	return 0, rows.Err()
}

type unit struct {
	mu   sync.Mutex
	conn *sql.Conn
}

func (u *unit) connect(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn = conn
	return nil
}

func (u *unit) stop() { release(u.conn) }

func release(c *sql.Conn) { _ = c.Close() }

func newStore() *store { return &store{} }

func byConstructor(db *sql.DB, work func(*store) error) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s := newStore()
	s.tx = tx
	if err := work(s); err != nil {
		return err
	}
	return tx.Commit()
}

func heartbeat(ctx context.Context, db *sql.DB, work func() error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := keepAlive(ctx, conn)
	defer stop()
	return work()
}

func keepAlive(ctx context.Context, conn *sql.Conn) func() {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		_ = conn.PingContext(context.WithoutCancel(ctx))
	}()
	return func() { cancel(); <-done }
}
