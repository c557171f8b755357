package sessionsql_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// openPostgres opens one database n times, as n processes would.
func openPostgres(t *testing.T, n int) []*sql.DB {
	t.Helper()
	dsn := pgtest.Database(t)
	dbs := make([]*sql.DB, n)
	for i := range dbs {
		var err error
		if dbs[i], err = sessionsql.Open("pgx", dsn, sessionsql.WithMaxOpen(4)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := dbs[i].Close(); err != nil {
				t.Error(err)
			}
		})
	}
	fill(t, dbs[0])
	return dbs
}

// Above read committed the database refuses all claims but one: they find its result.
func TestOnceUnderRepeatableRead(t *testing.T) {
	db := openPostgres(t, 1)[0]
	pool := sessionsql.Pool(db, sessionsql.WithTxOptions(sql.TxOptions{Isolation: sql.LevelRepeatableRead}))
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			got, err := pool.Once(t.Context(), "key", func(ctx context.Context, tx *sessionsql.Tx) ([]byte, error) {
				_, err := tx.ExecContext(ctx, `INSERT INTO t (n) VALUES (101)`)
				return []byte("result"), err
			})
			if err != nil || string(got) != "result" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db); n != 101 {
		t.Errorf("%d rows, want 101", n)
	}
}

func TestOnceOnPostgreSQLRunsOnceInAllProcesses(t *testing.T) {
	dbs := openPostgres(t, 3)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			got, err := sessionsql.Pool(dbs[i%3]).Once(t.Context(), "key", func(ctx context.Context, tx *sessionsql.Tx) ([]byte, error) {
				_, err := tx.ExecContext(ctx, `INSERT INTO t (n) VALUES (101)`)
				return []byte("result"), err
			})
			if err != nil || string(got) != "result" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := count(t, dbs[0]); n != 101 {
		t.Errorf("%d rows, want 101", n)
	}
	if _, err := dbs[0].Exec(`UPDATE reeve_once SET at = at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	if n, err := sessionsql.PruneOnce(t.Context(), dbs[0], time.Hour); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
}

func TestReadIsOfOneMoment(t *testing.T) {
	for name, open := range map[string]func() *sql.DB{
		"SQLite":     func() *sql.DB { return openSQLite(t) },
		"PostgreSQL": func() *sql.DB { return openPostgres(t, 1)[0] },
	} {
		t.Run(name, func(t *testing.T) {
			db := open()
			other := context.WithoutCancel(t.Context()) // another worker's
			err := sessionsql.Read(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
				var before, after int
				first := tx.QueryRowContext(ctx, `SELECT count(*) FROM t`).Scan(&before)
				_, write := db.ExecContext(other, `INSERT INTO t (n) VALUES (101)`)
				second := tx.QueryRowContext(ctx, `SELECT count(*) FROM t`).Scan(&after)
				if before != 100 || after != 100 {
					t.Errorf("read %d, then %d", before, after)
				}
				return errors.Join(first, write, second)
			})
			if err != nil || count(t, db) != 101 {
				t.Errorf("got %v", err)
			}
		})
	}
	err := sessionsql.Read(t.Context(), openPostgres(t, 1)[0], func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO t (n) VALUES (101)`)
		return err
	})
	if err == nil {
		t.Error("a write passed")
	}
}
