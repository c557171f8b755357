// Package layers has transactions that what is called goes past.
package layers

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type store struct {
	db   *sql.DB
	seen int
}

func (s *store) note(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "insert")
	return err
}

func (s *store) noteAll(ctx context.Context, xs []string) error {
	for range xs {
		if err := s.note(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) inTx(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "update"); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *store) outer(ctx context.Context, xs []string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.noteAll(ctx, xs); err != nil { // want outerhandle error
		return err
	}
	return tx.Commit()
}

// noteFor sends its statement for one kind of store only: likely, and not proven.
func (s *store) noteFor(ctx context.Context, kind string) error {
	if kind == "sqlite" {
		return s.note(ctx)
	}
	return nil
}

func (s *store) outerFor(ctx context.Context, kind string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.noteFor(ctx, kind); err != nil { // want outerhandle warning
		return err
	}
	return tx.Commit()
}

func (s *store) nested(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.inTx(ctx); err != nil { // want nestedacquire error
		return err
	}
	return tx.Commit()
}

func write(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, "insert")
	return err
}

func given(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		return write(ctx, pool) // want outerhandle error
	})
}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func add(ctx context.Context, q querier) error {
	_, err := q.ExecContext(ctx, "insert")
	return err
}

func (s *store) behindAnInterface(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := add(ctx, s.db); err != nil { // want outerhandle error
		return err
	}
	return tx.Commit()
}

type queries struct{ db querier }

func (q *queries) WithTx(tx *sql.Tx) *queries { return &queries{db: tx} }

func (q *queries) Add(ctx context.Context) error {
	_, err := q.db.ExecContext(ctx, "insert")
	return err
}

type service struct {
	db *sql.DB
	q  *queries
}

func (s *service) unbound(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	q := s.q.WithTx(tx)
	if err := q.Add(ctx); err != nil {
		return err
	}
	if err := s.q.Add(ctx); err != nil { // want outerhandle error
		return err
	}
	return tx.Commit()
}

func (s *store) prepared(ctx context.Context, xs []string) error {
	stmt, err := s.db.PrepareContext(ctx, "insert")
	if err != nil {
		return err
	}
	defer stmt.Close()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, x := range xs {
		if _, err := stmt.ExecContext(ctx, x); err != nil { // want outerhandle error
			return err
		}
	}
	return tx.Commit()
}

// What follows is right.

func (s *store) either(ctx context.Context, tx *sql.Tx) error {
	if tx != nil {
		_, err := tx.ExecContext(ctx, "insert")
		return err
	}
	_, err := s.db.ExecContext(ctx, "insert")
	return err
}

func (s *store) choosing(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.either(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *store) bound(ctx context.Context) error {
	stmt, err := s.db.PrepareContext(ctx, "insert")
	if err != nil {
		return err
	}
	defer stmt.Close()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.StmtContext(ctx, stmt).ExecContext(ctx); err != nil {
		return err
	}
	if err := add(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *service) after(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.q.WithTx(tx).Add(ctx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.q.Add(ctx)
}

func (s *store) other(ctx context.Context, replica *store) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := replica.note(ctx); err != nil {
		return err
	}
	return tx.Commit()
}
