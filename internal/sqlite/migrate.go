package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/session/sessionsql"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migration is one numbered file: NNNN_name.sql, with a first line that names the
// oldest schema version whose program may still use the database after it.
type migration struct {
	version int
	oldest  int
	name    string
	sql     string
}

// Migration says what was done to bring a file to this program's schema.
type Migration struct {
	From    int      // the version found; 0 for a new file
	To      int      // the version now
	Applied []string // names of the migrations that ran, in their order
}

// migrations reads the embedded files. They are numbered from 1 without a gap, which a test holds.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m, err := parseMigration(strings.TrimPrefix(name, "migrations/"), string(body))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func parseMigration(name, body string) (migration, error) {
	number, _, _ := strings.Cut(name, "_")
	version, err := strconv.Atoi(number)
	if err != nil {
		return migration{}, fmt.Errorf("migration %s: the name must begin with a number: %w", name, err)
	}
	first, _, _ := strings.Cut(body, "\n")
	oldest, err := strconv.Atoi(strings.TrimPrefix(first, "-- oldest: "))
	if err != nil {
		return migration{}, fmt.Errorf("migration %s: the first line must be \"-- oldest: N\": %w", name, err)
	}
	return migration{version: version, oldest: oldest, name: strings.TrimSuffix(name, ".sql"), sql: body}, nil
}

const schemaTable = `CREATE TABLE IF NOT EXISTS reeve_schema (
    version INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL)`

// migrate brings the database to the newest version, each migration in a unit of its
// own with its mark, so that a crash between two leaves a version that is whole.
func migrate(ctx context.Context, db *sql.DB, all []migration) (Migration, error) {
	from, err := schemaVersion(ctx, db, len(all))
	if err != nil {
		return Migration{}, err
	}
	done := Migration{From: from, To: from}
	for _, m := range all {
		if m.version <= from {
			continue
		}
		if err := sessionsql.Do(ctx, db, m.apply); err != nil {
			return done, fmt.Errorf("migration %s: %w", m.name, err)
		}
		done.To, done.Applied = m.version, append(done.Applied, m.name)
	}
	return done, nil
}

func (m migration) apply(ctx context.Context, tx *sessionsql.Tx) error {
	if _, err := tx.ExecContext(ctx, m.sql); err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	if m.version == 1 {
		if _, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES (1, ?, 0, ?, ?)", now/1000, now, now); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO reeve_schema VALUES (?, ?, ?, ?)", m.version, m.oldest, m.name, now)
	return err
}

// schemaVersion reads where the database stands, and refuses one that a newer program
// has changed so that this one must not use it.
func schemaVersion(ctx context.Context, db *sql.DB, known int) (int, error) {
	var version, oldest int
	err := sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		if err := refuseForeign(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, schemaTable); err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0), coalesce(max(oldest), 0) FROM reeve_schema")
		return row.Scan(&version, &oldest)
	})
	if err != nil {
		return 0, err
	}
	if oldest > known {
		return 0, reeve.Errorf(reeve.CodeUnavailable,
			"the database has schema %d, which needs a program that knows schema %d; this one knows %d: start the newer reeve, or restore a backup from before it",
			version, oldest, known)
	}
	return version, nil
}

// refuseForeign keeps reeve from putting its tables into another program's file.
func refuseForeign(ctx context.Context, tx *sessionsql.Tx) error {
	var tables, ours int
	row := tx.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(name = 'reeve_schema'), 0) FROM sqlite_schema WHERE type = 'table'")
	if err := row.Scan(&tables, &ours); err != nil {
		return err
	}
	if tables > 0 && ours == 0 {
		return reeve.Errorf(reeve.CodeUnavailable, "the database holds tables that are not reeve's: name another file")
	}
	return nil
}

// lostClaims is more than the claims of one thread that a backup can be behind.
const lostClaims = 1_000_000

// Restored gives every thread a new epoch, after the database was put back from a
// backup: a client whose position comes from the lost part is told so, and is not served
// other entries under the same numbers. Fences rise above those of the lost claims,
// because systems outside may have seen them. It returns the new epoch.
func (s *Store) Restored(ctx context.Context) (int64, error) {
	var epoch int64
	err := s.write(ctx, "restored", func(ctx context.Context, tx *sessionsql.Tx) error {
		s.forget()
		// The clock, not only one more: two restores of one backup must not meet.
		now := time.Now().UnixMilli()
		row := tx.QueryRowContext(ctx, "UPDATE meta SET epoch = max(epoch + 1, ?), fence = fence + ? RETURNING epoch", now, lostClaims)
		if err := row.Scan(&epoch); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE threads SET epoch = ?, fence = fence + ?", epoch, lostClaims)
		return err
	})
	return epoch, err
}
