package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver

	"github.com/reeve-run/reeve/session/sessionsql"
)

const schema = `
CREATE TABLE IF NOT EXISTS accounts (
	name  TEXT PRIMARY KEY,
	cents INTEGER NOT NULL CHECK (cents >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS movements (
	id    INTEGER PRIMARY KEY,
	payer TEXT NOT NULL,
	payee TEXT NOT NULL,
	cents INTEGER NOT NULL CHECK (cents > 0)
) STRICT;`

// open opens the file, and makes it and its tables if they are not there. The caller closes it.
func open(ctx context.Context, file string) (*sql.DB, error) {
	settings := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"},
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+settings.Encode())
	if err != nil {
		return nil, err
	}
	err = sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, schema)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the tables: %w", err)
	}
	return db, nil
}
