package sessionpgx_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }

// hang is far beyond anything that the guard may take.
const hang = 30 * time.Second

// open is a pool of four on a database of its own, with a table t(n) of 100 rows.
func open(t testing.TB, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 4
	for _, c := range change {
		c(cfg)
	}
	p, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if _, err := p.Exec(t.Context(), `CREATE TABLE t AS SELECT generate_series(1, 100) AS n`); err != nil {
		t.Fatal(err)
	}
	return p
}

func count(t testing.TB, p *pgxpool.Pool) int {
	t.Helper()
	var n int
	if err := p.QueryRow(t.Context(), `SELECT count(*) FROM t`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// illegal asserts that err is an IllegalStateError of the rule which names this file.
func illegal(t testing.TB, err error, rule session.Rule) *session.IllegalStateError {
	t.Helper()
	e, ok := errors.AsType[*session.IllegalStateError](err)
	if !ok {
		t.Fatalf("got %v (%T), want an IllegalStateError", err, err)
	}
	if e.Rule != rule || !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("rule %q, want %q, in: %v", e.Rule, rule, err)
	}
	if len(e.Used) == 0 || !strings.Contains(e.Used[0].File, "_test.go") {
		t.Errorf("the place of use is not the author's: %v", err)
	}
	return e
}

// idle waits until no connection is held.
func idle(t testing.TB, p *pgxpool.Pool) {
	t.Helper()
	for begin := time.Now(); p.Stat().AcquiredConns() > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatalf("%d connections stay acquired", p.Stat().AcquiredConns())
		}
	}
}
