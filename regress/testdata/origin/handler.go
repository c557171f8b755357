// Package origin is the failure that reeve began with, as it would be in Go.
package origin

import (
	"context"
	"database/sql"
)

// Supervisor outlives every request.
type Supervisor struct {
	Session *sql.Tx
}

// Run uses what it was lent.
func (s *Supervisor) Run(ctx context.Context, text string) error {
	_, err := s.Session.ExecContext(ctx, "INSERT INTO messages VALUES (?)", text)
	return err
}

func audit(ctx context.Context, tx *sql.Tx, text string) {
	tx.ExecContext(ctx, "INSERT INTO audit VALUES (?)", text)
}

// Handle lends its session twice, and ends it.
func Handle(ctx context.Context, db *sql.DB, s *Supervisor, text string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	s.Session = tx
	go s.Run(ctx, text)
	go audit(ctx, tx, text)
	return tx.Commit()
}
