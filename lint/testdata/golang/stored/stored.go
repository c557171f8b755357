// Package stored has sessions that are put where they outlive their scope, and some
// that may stay where they are.
package stored

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type supervisor struct {
	tx   *sql.Tx
	conn *pgxpool.Conn
	pgx  pgx.Tx
	any  execer
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (s *supervisor) setTx(tx *sql.Tx) { s.tx = tx }

func (s *supervisor) run() { s.tx.Exec("select 1") }

type handler struct {
	db  *sql.DB
	sup *supervisor
}

var current *sql.Tx

var registry = map[string]*sql.Tx{}

func (h *handler) field(ctx context.Context) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	h.sup.tx = tx // want sessionstored error
	h.sup.run()
	return tx.Commit()
}

func (h *handler) setter(ctx context.Context) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	h.sup.setTx(tx) // want sessionstored error
	return tx.Commit()
}

func (h *handler) behindInterface(ctx context.Context) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	h.sup.any = tx // want sessionstored error
	return tx.Commit()
}

func global(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	current = tx // want sessionstored error
	return tx.Commit()
}

func inMap(db *sql.DB, key string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	registry[key] = tx // want sessionstored error
	return tx.Commit()
}

func sent(db *sql.DB, ch chan<- *sql.Tx) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	ch <- tx // want sessionstored warning
	return tx.Commit()
}

func heldBy(ctx context.Context, pool *pgxpool.Pool, h *handler) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	h.sup = &supervisor{conn: conn} // want sessionstored error
	return nil
}

func runner(ctx context.Context, pool *pgxpool.Pool, s *supervisor) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		s.pgx = tx // want sessionstored error
		return nil
	})
}

func ofCaller(s *supervisor, tx *sql.Tx) {
	s.tx = tx // want sessionstored warning
}

func leaves(db *sql.DB) (*supervisor, error) {
	tx, err := db.Begin()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	return &supervisor{tx: tx}, nil // want sessionstored error
}

// What follows is right.

func fresh(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s := &supervisor{tx: tx}
	s.run()
	return tx.Commit()
}

func newSupervisor(tx *sql.Tx) *supervisor { return &supervisor{tx: tx} }

func constructed(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	newSupervisor(tx).run()
	return tx.Commit()
}

func freshSetter(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s := &supervisor{}
	s.setTx(tx)
	s.run()
	return tx.Commit()
}

func lent(db *sql.DB, s *supervisor) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s.tx = tx
	defer func() { s.tx = nil }()
	s.run()
	return tx.Commit()
}

type owner struct {
	db *sql.DB
	tx *sql.Tx
}

func (o *owner) begin() (err error) {
	o.tx, err = o.db.Begin()
	return err
}

func (o *owner) adopt(tx *sql.Tx) { o.tx = tx }

func (o *owner) commit() error { return o.tx.Commit() }

func adopts(db *sql.DB, o *owner) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	o.adopt(tx)
	return o.commit()
}
