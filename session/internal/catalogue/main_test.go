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
	"github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessionsql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }

const (
	patience = time.Second      // after which the bare library is said to hang
	hang     = 30 * time.Second // far beyond anything that the guard may take
	limit    = 50 * time.Millisecond
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

// refused runs a misuse under the guard: a typed error, and at once. The bound
// is wide, for slow machines; how long it took is logged.
func refused(t *testing.T, misuse func(context.Context) error) *session.IllegalStateError {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel() // and with it what the misuse has left behind
	done := make(chan error, 1)
	begin := time.Now()
	go func() { done <- misuse(ctx) }()
	select {
	case err := <-done:
		t.Logf("after %s: %v", time.Since(begin), err)
		e, ok := errors.AsType[*session.IllegalStateError](err)
		if !ok {
			t.Fatalf("got %v (%T), want an IllegalStateError", err, err)
		}
		if e.Advice == "" || len(e.Used) == 0 || e.Op == "" || e.State == "" {
			t.Errorf("the error does not tell enough: %#v", e)
		}
		return e
	case <-time.After(hang):
		t.Fatal("it hangs under the guard")
	}
	return nil
}

const schema = `CREATE TABLE t (n integer); INSERT INTO t VALUES (1), (2), (3), (4), (5)`

// openSQL opens a database twice: bare, and under the guard, with one connection each.
func openSQL(t *testing.T, system string) (bare, guarded *sql.DB) {
	t.Helper()
	opts := []sessionsql.Option{
		sessionsql.WithMaxOpen(1), sessionsql.WithName(t.Name()),
	}
	if is(t, "idle") {
		opts = append(opts, sessionsql.WithLimit(limit))
	}
	if is(t, "never_closed") {
		opts = append(opts, sessionsql.WithWait(limit))
	}
	if system == "PostgreSQL" {
		cfg, err := pgxpool.ParseConfig(pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		bare = sql.OpenDB(stdlib.GetConnector(*cfg.ConnConfig))
		guarded = sql.OpenDB(sessionsql.Watch(stdlib.GetConnector(*cfg.ConnConfig), opts...))
	} else {
		dsn := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(100)"
		var err error
		if bare, err = sql.Open("sqlite", dsn); err != nil {
			t.Fatal(err)
		}
		if guarded, err = sessionsql.Open("sqlite", dsn, opts...); err != nil {
			t.Fatal(err)
		}
	}
	bare.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := errors.Join(bare.Close(), guarded.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := bare.ExecContext(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return bare, guarded
}

// is says whether this is the test of that misuse: limits are set for those alone
// that break them, because on a slow machine everything else might as well.
func is(t *testing.T, misuse string) bool { return strings.Contains(t.Name(), misuse) }

// openPgx opens a pool twice, as openSQL.
func openPgx(t *testing.T) (bare, guarded *pgxpool.Pool) {
	t.Helper()
	dsn := pgtest.Database(t)
	for _, p := range []**pgxpool.Pool{&bare, &guarded} {
		cfg, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		cfg.MaxConns = 1
		if p == &guarded {
			opts := []sessionpgx.Option{sessionpgx.WithName(t.Name())}
			if is(t, "idle") {
				opts = append(opts, sessionpgx.WithLimit(limit))
			}
			if is(t, "never_closed") {
				opts = append(opts, sessionpgx.WithWait(limit))
			}
			sessionpgx.Watch(cfg, opts...)
		}
		if *p, err = pgxpool.NewWithConfig(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bare.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return bare, guarded
}

// eventually waits for a fact.
func eventually(ctx context.Context, what string, is func() bool) error {
	for begin := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang || ctx.Err() != nil {
			return fmt.Errorf("waited in vain: %s", what)
		}
	}
	return nil
}
