package sessionsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// watchedPostgres is a PostgreSQL under the guard, with the test's name, and what is logged.
func watchedPostgres(t *testing.T, opts ...sessionsql.Option) (*sql.DB, *log) {
	t.Helper()
	cfg, err := pgx.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	l := &log{}
	db := sql.OpenDB(sessionsql.Watch(stdlib.GetConnector(*cfg), append(opts, sessionsql.WithName(t.Name()), sessionsql.WithLog(l.logger()))...))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, l
}

// A lock that was not got, or was given back as often as it was got, is no lock that
// is left: the server is asked.
func TestALockIsLeftWhenTheServerSaysSo(t *testing.T) {
	db, l := watchedPostgres(t)
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), `SELECT pg_advisory_lock(1)`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query string
		left  bool
	}{
		{`SELECT pg_try_advisory_lock(1)`, false},
		{`SELECT pg_advisory_lock(2), pg_advisory_unlock(2)`, false},
		{`SELECT pg_advisory_lock(n), pg_advisory_lock(n + 0), pg_advisory_unlock(3) FROM (VALUES (3)) v (n)`, true},
		{`SELECT PG_TRY_ADVISORY_LOCK(4)`, true},
	} {
		before := strings.Count(l.String(), "rule=dirty")
		exec(t, db, c.query)
		if said := strings.Count(l.String(), "rule=dirty") > before; said != c.left && before == 0 {
			t.Errorf("%s: said %t, want %t", c.query, said, c.left)
		}
		err := sessionsql.DoConn(t.Context(), db, func(ctx context.Context, conn *sessionsql.Conn) error {
			_, err := conn.ExecContext(ctx, c.query)
			return err
		})
		if c.left {
			illegal(t, err, session.RuleDirty)
		} else if err != nil {
			t.Errorf("%s: %v", c.query, err)
		}
	}
}

func exec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// Where the limit is database/sql's own, it opens connections ahead, on nobody's
// behalf: they are not held, and whoever uses one first is its holder.
func TestConnectionsThatAreOpenedAheadAreNobodys(t *testing.T) {
	db, l := watchedPostgres(t, sessionsql.WithLimit(500*time.Millisecond))
	db.SetMaxOpenConns(2)
	db.SetConnMaxLifetime(20 * time.Millisecond)
	for range 20 {
		done := make(chan error)
		for range 6 {
			go func() {
				_, err := db.ExecContext(context.WithoutCancel(t.Context()), `SELECT pg_sleep(0.005)`)
				done <- err
			}()
		}
		for range 6 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	if units := held(t); len(units) > 0 {
		t.Errorf("held: %v", units)
	}
	time.Sleep(700 * time.Millisecond)
	if l.String() != "" {
		t.Errorf("said %s", l)
	}
}

func TestAnIdleTransactionIsTakenAway(t *testing.T) {
	db, l := watchedPostgres(t, sessionsql.WithIdle(60*time.Millisecond))
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for range 10 { // as long as it works it is left alone
		if _, err := tx.ExecContext(t.Context(), `SELECT pg_sleep(0.02)`); err != nil {
			t.Fatal(err)
		}
	}
	for begin := time.Now(); len(held(t)) > 0 && time.Since(begin) < hang; {
		time.Sleep(time.Millisecond)
	}
	_, err = tx.ExecContext(t.Context(), `SELECT 1`)
	if e := illegal(t, err, session.RuleEnded); !strings.Contains(e.Error(), "idle in a transaction") {
		t.Error(e)
	}
	if !strings.Contains(l.String(), "rule=idle") || !strings.Contains(l.String(), "watchpostgres_test.go") {
		t.Errorf("said %s", l)
	}
}

// Rows of a context without an end, dropped and not closed: the collector sees it, and
// the room in the pool is given back.
func TestTheCollectorSeesDroppedRows(t *testing.T) {
	db, l := watchedPostgres(t, sessionsql.WithMaxOpen(1))
	func() {
		rows, err := db.Query(`SELECT generate_series(1, 1000)`)
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
	}()
	for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
		if runtime.GC(); time.Since(begin) > hang {
			t.Fatal("nobody saw it")
		}
	}
	exec(t, db, `SELECT 1`)
	if !strings.Contains(l.String(), "rows of SELECT generate_series(1, 1000)") || !strings.Contains(l.String(), "watchpostgres_test.go") {
		t.Errorf("said %s", l)
	}
}

// The driver's own connection, kept by way of Raw beyond its release, is refused.
func TestAKeptDriverConnectionIsRefused(t *testing.T) {
	db, _ := watchedPostgres(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kept *sessionsql.WatchedConn
	if err := conn.Raw(func(c any) error {
		kept = c.(*sessionsql.WatchedConn)
		_, err := kept.ExecContext(t.Context(), `SELECT 1`, nil)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = kept.ExecContext(t.Context(), `SELECT 1`, nil)
	if e, ok := errors.AsType[*session.IllegalStateError](err); !ok || e.Rule != session.RuleEnded {
		t.Errorf("got %v", err)
	}
	exec(t, db, `SELECT 1`)
}

// A connection is handed over while database/sql still closes what was prepared on
// it: nobody meets anybody, and what is left over is used again or closed.
func TestPreparedStatementsSurviveHandOvers(t *testing.T) {
	db, _ := watchedPostgres(t, sessionsql.WithMaxOpen(3))
	shared, err := db.PrepareContext(t.Context(), `SELECT $1::int + 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			for n := range 20 {
				if err := prepared(t.Context(), db, shared, i, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	var left int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%own%'`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left > 33 { // this query itself is prepared
		t.Errorf("%d statements are left on the connection", left)
	}
}

// prepared uses a statement that everybody has, and one of its own.
func prepared(ctx context.Context, db *sql.DB, shared *sql.Stmt, i, n int) error {
	var got int
	if err := shared.QueryRowContext(ctx, n).Scan(&got); err != nil || got != n+1 {
		return fmt.Errorf("shared: got %d: %w", got, err)
	}
	own, err := db.PrepareContext(ctx, fmt.Sprintf(`SELECT %d AS own_%d`, i, n))
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := own.QueryRowContext(ctx).Scan(&got); err != nil || got != i {
		return fmt.Errorf("own: got %d: %w", got, err)
	}
	return own.Close()
}

// Where the limit is database/sql's own, nobody can end a wait for it; but the report
// of the idle transaction says what it waits for.
func TestAWaitInsideDatabaseSQLIsTold(t *testing.T) {
	db, l := watchedPostgres(t, sessionsql.WithIdle(50*time.Millisecond))
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	if _, err := db.ExecContext(ctx, `SELECT 1`); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_ = tx.Rollback()
	if !strings.Contains(l.String(), "waits for another connection") || !strings.Contains(l.String(), "WithMaxOpen") {
		t.Errorf("said %s", l)
	}
}
