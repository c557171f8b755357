package regress

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver of the tests' own databases

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// poolSize is small, so that a connection that does not come back is missed at once.
const poolSize = 4

// database is one of an agent's author, beside the server's own.
func database(t testing.TB) (*sql.DB, session.Pool[*sessionsql.Tx]) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "own.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(poolSize)
	t.Cleanup(func() {
		if n := db.Stats().InUse; n > 0 {
			t.Errorf("%d connections of the author's database were not given back", n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	pool := sessionsql.Pool(db, sessionsql.WithName("own "+t.Name()))
	err = pool.Do(context.Background(), func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE notes (note TEXT NOT NULL)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return db, pool
}

// note writes a row.
func note(ctx context.Context, tx *sessionsql.Tx, format string, args ...any) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO notes (note) VALUES (?)`, fmt.Sprintf(format, args...))
	return err
}

// notes counts the rows.
func notes(t testing.TB, pool session.Pool[*sessionsql.Tx]) int {
	t.Helper()
	var n int
	err := pool.Do(context.Background(), func(ctx context.Context, tx *sessionsql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM notes`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
