package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// inspect refuses a path that cannot become a database, before SQLite touches it: its
// own messages say less, and it would leave files behind.
func inspect(path string) error {
	if err := writable(filepath.Dir(path)); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the database file: %w", err)
	case info.IsDir():
		return refused("%s is a directory: name a file in it", path)
	}
	if err := writable(path); err != nil {
		return err
	}
	return looksLikeSQLite(path, info.Size())
}

// writable refuses what is marked read-only. It looks at the mode as well, because root
// may write to everything, and who marked the file meant it.
func writable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if info.Mode().Perm()&0o222 == 0 {
		return refused("%s is read-only (mode %s): give this user the right to write, or name another --data", path, info.Mode().Perm())
	}
	if err := accessible(path); err != nil {
		return refused("%s cannot be written by this user (%v): give it the right, or name another --data", path, err)
	}
	return nil
}

// header is how every SQLite file begins.
const header = "SQLite format 3\x00"

func looksLikeSQLite(path string, size int64) error {
	if size == 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the database file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	first := make([]byte, len(header))
	if _, err := io.ReadFull(f, first); err != nil || !bytes.Equal(first, []byte(header)) {
		return refused("%s is not an SQLite database: name another file, or restore it from a backup", path)
	}
	return nil
}

// quickCheckFor bounds the check at start: a large healthy file must not keep a server
// from starting; its pages are checked when they are read.
const quickCheckFor = 5 * time.Second

// quickCheck reads the file's structure for as long as the bound lets it.
func quickCheck(ctx context.Context, db *sql.DB, path string) error {
	ctx, cancel := context.WithTimeout(ctx, quickCheckFor)
	defer cancel()
	var verdict string
	err := sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		return tx.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	})
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil
	case err != nil:
		return err
	case verdict != "ok":
		return damaged(path, errors.New(verdict))
	}
	return nil
}

func damaged(path string, why error) error {
	return fmt.Errorf("the database %s is damaged: restore it from a backup and run reeve migrate --restored, "+
		"or save what can be saved with sqlite3's .recover: %w", path, why)
}

func refused(format string, args ...any) error {
	return reeve.Errorf(reeve.CodeUnavailable, format, args...)
}
