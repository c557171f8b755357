package sessionpgx_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
)

// A connection that was taken away for its age comes back, and is given to nobody.
func TestWhatWasTakenAwayIsNotGivenOn(t *testing.T) {
	p, l := watched(t, 1, sessionpgx.WithLimit(30*time.Millisecond))
	for range 5 {
		c, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > hang {
				t.Fatal("the watchdog sleeps")
			}
		}
		c.Release()
		if n := count(t, p); n != 100 {
			t.Errorf("%d rows", n)
		}
	}
	if !strings.Contains(l.String(), "rule=leak") {
		t.Errorf("said %s", l)
	}
}

// A transaction that waits for something else is taken away, and one that works is not.
func TestAnIdleTransactionIsTakenAway(t *testing.T) {
	p, l := watched(t, 1, sessionpgx.WithIdle(60*time.Millisecond))
	tx, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := tx.Exec(t.Context(), `SELECT pg_sleep(0.02)`); err != nil {
			t.Fatal(err)
		}
	}
	for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatal("the watchdog sleeps")
		}
	}
	_, err = tx.Exec(t.Context(), `SELECT 1`)
	if e := illegal(t, err, session.RuleEnded); !strings.Contains(e.Error(), "idle in a transaction") {
		t.Error(e)
	}
	_ = tx.Rollback(t.Context())
	if !strings.Contains(l.String(), "rule=idle") || count(t, p) != 100 {
		t.Errorf("said %s", l)
	}
}

// A lock that was not got is no lock that is left: the server is asked.
func TestALockIsLeftWhenTheServerSaysSo(t *testing.T) {
	p, l := watched(t, 2)
	other, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), `SELECT pg_advisory_lock(1)`); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`SELECT pg_try_advisory_lock(1)`, `SELECT pg_advisory_lock(2), pg_advisory_unlock(2)`,
	} {
		if _, err := p.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
		if err := sessionpgx.DoConn(t.Context(), p, func(ctx context.Context, c *sessionpgx.Conn) error {
			_, err := c.Exec(ctx, query)
			return err
		}); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	if l.String() != "" {
		t.Errorf("said %s", l)
	}
	other.Release()
	if !strings.Contains(l.String(), "rule=dirty") {
		t.Errorf("said %s", l)
	}
}

// A connection that is handed to another goroutine is no circle: that one gives it back.
func TestAHandOverIsNoCircle(t *testing.T) {
	p, _ := watched(t, 1)
	c, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(300 * time.Millisecond)
		c.Release()
	}()
	if _, err := p.Exec(t.Context(), `SELECT 1`); err != nil {
		t.Errorf("an alarm, while another goroutine has the connection: %v", err)
	}
}

// However long others wait already, a circle is told soon.
func TestACircleIsToldSoonWhileOthersWait(t *testing.T) {
	p, _ := watched(t, 1)
	tx, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	others, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.Exec(others, `SELECT 1`)
	}()
	time.Sleep(700 * time.Millisecond)
	begin := time.Now()
	_, err = p.Exec(t.Context(), `SELECT 1`)
	illegal(t, err, session.RuleCircle)
	t.Logf("told after %s", time.Since(begin))
	stop()
	_ = tx.Rollback(t.Context())
	<-done
}

// A unit that was taken away keeps its place in the pool until its function gives it
// back: a circle of such units is found as well.
func TestACircleIsFoundAfterALimit(t *testing.T) {
	p, _ := watched(t, 1, sessionpgx.WithLimit(20*time.Millisecond))
	rows, err := p.Query(t.Context(), `SELECT generate_series(1, 1000)`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatal("the watchdog sleeps")
		}
	}
	_, err = p.Exec(t.Context(), `SELECT 1`)
	illegal(t, err, session.RuleCircle)
}

// A connection that is hijacked leaves the pool: it is on no list, no limit is for it,
// and a circle among the others is found.
func TestAHijackedConnectionIsNobodysUnit(t *testing.T) {
	p, l := watched(t, 1, sessionpgx.WithLimit(200*time.Millisecond))
	c, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine := c.Hijack()
	defer mine.Close(context.WithoutCancel(t.Context()))
	if n := len(held(t)); n != 0 {
		t.Errorf("%d units", n)
	}
	time.Sleep(400 * time.Millisecond)
	if _, err := mine.Exec(t.Context(), `LISTEN x`); err != nil {
		t.Errorf("the limit of the pool was for it as well: %v", err)
	}
	tx, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Exec(t.Context(), `SELECT 1`)
	illegal(t, err, session.RuleCircle)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if l.String() != "" {
		t.Errorf("said %s", l)
	}
}

// Two pools of one config are two: a unit of the one is not nested in a unit of the other.
func TestTwoPoolsOfOneConfig(t *testing.T) {
	var cfg *pgxpool.Config
	a := open(t, func(c *pgxpool.Config) {
		sessionpgx.Watch(c, sessionpgx.WithName(t.Name()))
		cfg = c.Copy()
	})
	b, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = sessionpgx.Do(t.Context(), a, func(ctx context.Context, _ pgx.Tx) error {
		_, err := b.Exec(ctx, `SELECT 1`)
		return errors.Join(err, sessionpgx.Do(ctx, b, func(context.Context, pgx.Tx) error { return nil }))
	})
	if err != nil {
		t.Error(err)
	}
}

// Where nesting is only told, the second connection is one as any other.
func TestNestedIsLetPass(t *testing.T) {
	p, l := watched(t, 2, sessionpgx.WithRules(session.Rules{session.RuleNested: session.Warn}))
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, _ pgx.Tx) error {
		_, err := p.Exec(ctx, `SELECT 1`)
		return err
	})
	if err != nil || !strings.Contains(l.String(), "rule=nested") {
		t.Errorf("got %v, said %s", err, l)
	}
}

// A hook that closes what it has prepared is let at the connection.
func TestBeforeCloseMayUseTheConnection(t *testing.T) {
	var closed atomic.Int32
	p := open(t, func(cfg *pgxpool.Config) {
		cfg.BeforeClose = func(c *pgx.Conn) {
			if _, err := c.Exec(context.Background(), `SELECT 1`); err != nil {
				t.Error(err)
			}
			closed.Add(1)
		}
		sessionpgx.Watch(cfg, sessionpgx.WithName(t.Name()))
	})
	p.Close()
	if closed.Load() == 0 {
		t.Error("nothing was closed")
	}
}

// Above read committed the database refuses all claims but one: they find its result.
func TestOnceUnderRepeatableRead(t *testing.T) {
	p, _ := watched(t, 4)
	pool := sessionpgx.Pool(p, sessionpgx.WithTxOptions(pgx.TxOptions{IsoLevel: pgx.RepeatableRead}))
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			got, err := pool.Once(t.Context(), "key", func(ctx context.Context, tx pgx.Tx) ([]byte, error) {
				_, err := tx.Exec(ctx, `INSERT INTO t VALUES (101)`)
				return []byte("result"), err
			})
			if err != nil || string(got) != "result" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := count(t, p); n != 101 {
		t.Errorf("%d rows, want 101", n)
	}
}

// A config that is watched twice is watched once.
func TestWatchTwice(t *testing.T) {
	p := open(t, func(cfg *pgxpool.Config) {
		sessionpgx.Watch(cfg, sessionpgx.WithName(t.Name()))
		sessionpgx.Watch(cfg)
	})
	tx, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(held(t)); n != 1 {
		t.Errorf("%d units", n)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(held(t)); n != 0 {
		t.Errorf("%d units after the end", n)
	}
}
