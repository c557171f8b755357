package catalogue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessionsql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }

const (
	patience = time.Second / 2       // after which the bare library is said to hang
	hang     = 30 * time.Second      // far beyond anything that the guard may take
	limit    = 20 * time.Millisecond // of time, for the rules that go by it
)

// outcome is what came of a misuse, in a word.
type outcome string

const (
	silent outcome = "silent"
	hangs  outcome = "hangs"
	panics outcome = "panics"
	late   outcome = "an error that does not say why"
)

// try runs a misuse of the bare library and says what came of it. When it
// hangs, its context is cancelled, and then it must return.
func try(t *testing.T, misuse func(context.Context) error) outcome {
	t.Helper()
	if testing.Short() {
		return "" // only the guard is of interest
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if recover() != nil {
				done <- panics
			}
		}()
		if err := misuse(ctx); err != nil {
			done <- late
			return
		}
		done <- silent
	}()
	select {
	case o := <-done:
		return o
	case <-time.After(patience):
	}
	cancel()
	select {
	case <-done:
	case <-time.After(hang):
		t.Fatal("the bare misuse does not end with its context")
	}
	return hangs
}

// atOnce is how soon a misuse must be refused.
const atOnce = 100 * time.Millisecond

// world is a guarded database for one attempt, and its end: nothing of it may be in use by then.
type world struct {
	misuse func(context.Context) error
	end    func() error
}

// refused runs a misuse under the guard: it must give a typed error that names lines of
// this package, at once, and leave no goroutine behind. A machine that has other work may
// make one attempt slow; of five, one must be at once.
func refused(t *testing.T, rule session.Rule, open func() world) {
	t.Helper()
	fastest := hang
	for range 5 {
		took, err := attempt(t, open)
		tells(t, rule, err)
		if fastest = min(fastest, took); fastest < atOnce || t.Failed() {
			t.Logf("after %s: %v", took, err)
			return
		}
	}
	t.Errorf("refused after %s at the soonest", fastest)
}

func attempt(t *testing.T, open func() world) (took time.Duration, err error) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	w := open()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	begin := time.Now()
	go func() { done <- w.misuse(ctx) }()
	select {
	case err = <-done:
	case <-time.After(hang):
		t.Fatal("it hangs under the guard")
	}
	took = time.Since(begin)
	cancel()
	if err := w.end(); err != nil {
		t.Error(err)
	}
	if left := goleak.Find(before); left != nil {
		t.Errorf("goroutines are left behind: %v", left)
	}
	return took, err
}

// tells asserts that the error says what was done, where, and what to write instead.
func tells(t *testing.T, rule session.Rule, err error) {
	t.Helper()
	e, ok := errors.AsType[*session.IllegalStateError](err)
	if !ok {
		t.Fatalf("got %v (%T), want an IllegalStateError", err, err)
	}
	if e.Rule != rule {
		t.Errorf("rule %q, want %q", e.Rule, rule)
	}
	if e.Advice == "" || e.Op == "" || e.State == "" || len(e.Used) == 0 || !here(e.Used[0]) {
		t.Errorf("the error does not tell enough: %#v", e)
	}
	if !e.Opened.IsZero() && !here(e.Opened) {
		t.Errorf("opened at %s", e.Opened)
	}
}

func here(s session.Site) bool { return strings.Contains(s.File, "/catalogue/") }

const schema = `CREATE TABLE t (n integer); INSERT INTO t VALUES (1), (2), (3), (4), (5)`

// dsnSQL names a database of a system, with a table t(n).
func dsnSQL(t *testing.T, system string) (driver, dsn string) {
	t.Helper()
	if system == "PostgreSQL" {
		return "pgx", pgtest.Database(t)
	}
	return "sqlite", "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(100)"
}

// bareSQL is a database without the guard, with one connection.
func bareSQL(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.ExecContext(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return db
}

// guardedSQL is the same under the guard.
func guardedSQL(t *testing.T, driver, dsn string, misuse func(context.Context, *sql.DB) error) world {
	t.Helper()
	opts := []sessionsql.Option{sessionsql.WithMaxOpen(1), sessionsql.WithName(t.Name())}
	if is(t, "idle") {
		opts = append(opts, sessionsql.WithIdle(limit))
	}
	if is(t, "never_closed") {
		opts = append(opts, sessionsql.WithWait(limit))
	}
	db, err := sessionsql.Open(driver, dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return world{
		misuse: func(ctx context.Context) error { return misuse(ctx, db) },
		end: func() error {
			err := eventually("no connection in use", func() bool { return db.Stats().InUse == 0 })
			return errors.Join(err, db.Close())
		},
	}
}

// is says whether this is the test of that misuse: limits are set for those alone
// that break them, because on a slow machine everything else might as well.
func is(t *testing.T, misuse string) bool { return strings.Contains(t.Name(), misuse) }

// barePgx is a pool without the guard, with one connection.
func barePgx(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	p := poolPgx(t, dsn, func(*pgxpool.Config) {})
	if _, err := p.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := idlePool(p); err != nil {
			t.Error(err)
		}
		p.Close()
	})
	return p
}

// guardedPgx is the same under the guard.
func guardedPgx(t *testing.T, dsn string, misuse func(context.Context, *pgxpool.Pool) error) world {
	t.Helper()
	p := poolPgx(t, dsn, func(cfg *pgxpool.Config) {
		opts := []sessionpgx.Option{sessionpgx.WithName(t.Name())}
		if is(t, "idle") {
			opts = append(opts, sessionpgx.WithIdle(limit))
		}
		if is(t, "never_closed") {
			opts = append(opts, sessionpgx.WithWait(limit))
		}
		sessionpgx.Watch(cfg, opts...)
	})
	return world{
		misuse: func(ctx context.Context) error { return misuse(ctx, p) },
		end: func() error {
			err := idlePool(p)
			p.Close()
			return err
		},
	}
}

func poolPgx(t *testing.T, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 1
	change(cfg)
	p, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func idlePool(p *pgxpool.Pool) error {
	return eventually("no connection acquired", func() bool { return p.Stat().AcquiredConns() == 0 })
}

// eventually waits for a fact.
func eventually(what string, is func() bool) error {
	for begin := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			return fmt.Errorf("waited in vain: %s", what)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
