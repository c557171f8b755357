// Package wrapper has a team's own transaction type.
package wrapper

import (
	"context"
	"database/sql"
)

// Tx wraps a transaction.
type Tx struct{ tx *sql.Tx }

// Begin opens one.
func Begin(ctx context.Context, db *sql.DB) (*Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &Tx{tx: tx}, nil
}

// Exec sends a statement.
func (t *Tx) Exec(query string) error {
	_, err := t.tx.Exec(query)
	return err
}

// Commit ends it.
func (t *Tx) Commit() error { return t.tx.Commit() }

// Rollback ends it.
func (t *Tx) Rollback() error { return t.tx.Rollback() }
