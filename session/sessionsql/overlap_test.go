package sessionsql_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

// hang is far beyond anything that the guard may take.
const hang = 30 * time.Second

func TestOverlapIsRefusedAndNamesBothUses(t *testing.T) {
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		other := make(chan error, 1)
		go func() {
			_, err := tx.ExecContext(ctx, "block")
			other <- err
		}()
		<-d.Blocked()
		_, err := tx.ExecContext(ctx, "second")
		e := illegal(t, err, session.RuleOverlap)
		if e.State != "in use: exec" {
			t.Errorf("state %q", e.State)
		}
		d.Unblock()
		if err := <-other; err != nil {
			t.Errorf("the first use was harmed: %v", err)
		}
		if n := strings.Count(e.Error(), "overlap_test.go"); n != 3 {
			t.Errorf("%d places, want the opening and both uses:\n%v", n, e)
		}
		_, err = tx.ExecContext(ctx, "after")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A goroutine that was not waited for still runs a statement when the function
// returns: the commit is refused at once, and the connection comes back when the
// statement ends.
func TestStrayStatementDoesNotHoldUpTheEnd(t *testing.T) {
	sessiontest.VerifyNone(t)
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	stray := make(chan error, 1)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		go func() {
			_, err := tx.ExecContext(ctx, "block hard")
			stray <- err
		}()
		<-d.Blocked()
		return nil
	})
	illegal(t, err, session.RuleOverlap)
	if n := len(session.Units()); n != 0 {
		t.Errorf("%d units open", n)
	}
	d.Unblock()
	if err := <-stray; err != nil {
		t.Errorf("the stray statement had begun in time: %v", err)
	}
	waitIdle(t, db.Stats().InUse, func() int { return db.Stats().InUse })
}

func waitIdle(t *testing.T, n int, inUse func() int) {
	t.Helper()
	for begin := time.Now(); n > 0; n = inUse() {
		if time.Since(begin) > hang {
			t.Fatalf("%d connections stay in use", n)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestPanicWithAStrayStatement(t *testing.T) {
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	done := make(chan struct{})
	defer func() {
		if recover() == nil {
			t.Error("the panic was lost")
		}
		d.Unblock()
		<-done
		waitIdle(t, 1, func() int { return db.Stats().InUse })
	}()
	_ = sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		go func() {
			defer close(done)
			_, _ = tx.ExecContext(ctx, "block hard")
		}()
		<-d.Blocked()
		panic("boom")
	})
}

func TestHandOverFromOneGoroutineToAnotherIsLegal(t *testing.T) {
	db := sessiontest.NewDatabase().Use(t)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		var errs error
		for range 10 {
			done := make(chan error)
			go func() {
				_, err := tx.ExecContext(ctx, "x")
				done <- err
			}()
			errs = errors.Join(errs, <-done)
		}
		return errs
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConnIsGivenBackCleanOrDestroyed(t *testing.T) {
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	db.SetMaxOpenConns(1)
	use := func(queries ...string) error {
		return sessionsql.DoConn(t.Context(), db, func(ctx context.Context, c *sessionsql.Conn) error {
			for _, q := range queries {
				if _, err := c.ExecContext(ctx, q); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := use("BEGIN", "x", "COMMIT", "SET LOCAL x = 1"); err != nil {
		t.Error(err)
	}
	if d.Connections() != 1 {
		t.Errorf("%d connections, want the one that came back", d.Connections())
	}
	for query, what := range map[string]string{
		" begin":                               "transaction",
		"START TRANSACTION READ ONLY":          "transaction",
		"-- name: Begin :exec\nBEGIN":          "transaction",
		"SELECT 1; BEGIN":                      "transaction",
		"SELECT set_config('a.b', 'c', false)": "setting",
		"SET search_path = x":                  "setting",
		"LISTEN x":                             "setting",
	} {
		if e := illegal(t, use(query), session.RuleDirty); !strings.Contains(e.State, what) {
			t.Errorf("%s: %v", query, e)
		}
		if d.Connections() != 0 {
			t.Errorf("%s: the connection was not destroyed", query)
		}
	}
}

func TestConnWithRowsOpenDoesNotHang(t *testing.T) {
	db := sessiontest.NewDatabase().Use(t)
	var kept *sessionsql.Conn
	err := sessionsql.DoConn(t.Context(), db, func(ctx context.Context, c *sessionsql.Conn) error {
		kept = c
		illegal(t, c.Close(), session.RuleByHand)
		rows, err := c.QueryContext(ctx, "rows 3")
		if err == nil {
			rows.Next()
		}
		return err
	})
	illegal(t, err, session.RuleRows)
	var n int
	illegal(t, kept.QueryRowContext(t.Context(), "rows 1").Scan(&n), session.RuleEnded)
	waitIdle(t, 1, func() int { return db.Stats().InUse })
}

// A team that takes the guard up may first let overlap pass, and read about it.
func TestOverlapInWarnModeIsLoggedAndHarmless(t *testing.T) {
	d, l := sessiontest.NewDatabase(), &log{}
	db := d.Use(t)
	pool := sessionsql.Pool(db, sessionsql.WithRules(session.Rules{session.RuleOverlap: session.Warn}),
		sessionsql.WithLog(slog.New(slog.NewTextHandler(l, nil))))
	err := pool.Do(t.Context(), func(ctx context.Context, tx *sessionsql.Tx) error {
		other := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := tx.ExecContext(ctx, "block")
				other <- err
			}()
		}
		<-d.Blocked() // one is in the driver; the other waits for it inside database/sql
		for begin := time.Now(); !strings.Contains(l.String(), "rule=overlap"); time.Sleep(time.Millisecond) {
			if time.Since(begin) > hang {
				t.Fatal("nothing is logged")
			}
		}
		d.Unblock()
		return errors.Join(<-other, <-other)
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections in use", n)
	}
}
