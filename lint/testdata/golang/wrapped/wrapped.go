// Package wrapped uses another package's transaction type: facts tell what it is.
package wrapped

import (
	"context"
	"database/sql"

	"github.com/reeve-run/reeve/lint/testdata/golang/wrapper"
)

type service struct{ tx *wrapper.Tx }

func stores(ctx context.Context, db *sql.DB, s *service) error {
	tx, err := wrapper.Begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s.tx = tx // want sessionstored error
	return tx.Commit()
}

func leaks(ctx context.Context, db *sql.DB) error {
	tx, err := wrapper.Begin(ctx, db) // want neverended error
	if err != nil {
		return err
	}
	return tx.Exec("insert")
}

func right(ctx context.Context, db *sql.DB) error {
	tx, err := wrapper.Begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := tx.Exec("insert"); err != nil {
		return err
	}
	return tx.Commit()
}

func twice(s *wrapper.Session) error {
	if err := s.Begin(); err != nil {
		return err
	}
	if err := s.Commit(); err != nil {
		return err
	}
	return s.Exec("after the transaction, without one")
}
