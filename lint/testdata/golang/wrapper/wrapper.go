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

// Session is a transaction after the other, and no transaction in between.
type Session struct {
	db *sql.DB
	tx *sql.Tx
}

// Begin begins the next one.
func (s *Session) Begin() (err error) {
	s.tx, err = s.db.Begin()
	return err
}

// Exec sends a statement, in a transaction if there is one.
func (s *Session) Exec(query string) error {
	if s.tx == nil {
		_, err := s.db.Exec(query)
		return err
	}
	_, err := s.tx.Exec(query)
	return err
}

// Commit ends it.
func (s *Session) Commit() error {
	tx := s.tx
	s.tx = nil
	return tx.Commit()
}

// Rollback ends it.
func (s *Session) Rollback() error {
	tx := s.tx
	s.tx = nil
	return tx.Rollback()
}

// Wide is a transaction and more.
type Wide struct {
	*sql.Tx
	Name string
}

// BeginWide opens one.
func BeginWide(db *sql.DB, name string) (*Wide, error) {
	tx, err := db.Begin()
	if err != nil {
		return nil, err
	}
	return &Wide{Tx: tx, Name: name}, nil
}
