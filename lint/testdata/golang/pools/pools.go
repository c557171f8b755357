// Package pools has pools that are used where their own transaction is in scope.
package pools

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type store struct {
	db      *sql.DB
	replica *sql.DB
}

func (s *store) outer(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := s.db.ExecContext(ctx, "insert"); err != nil { // want outerhandle error
		return err
	}
	return tx.Commit()
}

func literal(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := pool.Exec(ctx, "insert") // want outerhandle error
		return err
	})
}

func (s *store) nested(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	second, err := s.db.BeginTx(ctx, nil) // want nestedacquire error
	if err != nil {
		return err
	}
	defer second.Rollback()
	return tx.Commit()
}

func (s *store) waits(ctx context.Context, req *http.Request) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := call(req); err != nil { // want waitholding warning
		return err
	}
	return tx.Commit()
}

func call(req *http.Request) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func prepared(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt, err := db.Prepare("update") // want outerhandle warning
	if err != nil {
		return err
	}
	defer stmt.Close()
	if _, err := tx.Stmt(stmt).Exec(); err != nil {
		return err
	}
	return tx.Commit()
}

func locked(ctx context.Context, db *sql.DB) error {
	lock, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	tx, err := db.BeginTx(ctx, nil) // want nestedacquire warning
	if err != nil {
		return err
	}
	return tx.Commit()
}

// What follows is right.

func (s *store) other(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var n int
	if err := s.replica.QueryRowContext(ctx, "select 1").Scan(&n); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *store) afterwards(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "insert")
	return err
}

func (s *store) notes(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "insert"); err != nil {
		_, _ = s.db.ExecContext(ctx, "insert into failures")
		return err
	}
	return tx.Commit()
}
