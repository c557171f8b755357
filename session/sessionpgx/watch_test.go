package sessionpgx_test

import (
	"context"
	"errors"
	"log/slog"
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

// watched is a pool of n under Watch, and what it logs.
func watched(t testing.TB, n int32, opts ...sessionpgx.Option) (*pgxpool.Pool, *log) {
	l := &log{}
	opts = append([]sessionpgx.Option{sessionpgx.WithName(t.Name()), sessionpgx.WithLog(slog.New(slog.NewTextHandler(l, nil)))}, opts...)
	return open(t, func(cfg *pgxpool.Config) {
		cfg.MaxConns = n
		sessionpgx.Watch(cfg, opts...)
	}), l
}

type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// held are the units of the test's pool.
func held(t testing.TB) []session.Unit {
	var units []session.Unit
	for _, u := range session.Units() {
		if u.Pool == t.Name() {
			units = append(units, u)
		}
	}
	return units
}

func TestWatchListsWhoHolds(t *testing.T) {
	p, _ := watched(t, 2)
	tx, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	units := held(t)
	if len(units) != 1 || !strings.Contains(units[0].Opened.File, "watch_test.go") {
		t.Errorf("got %v", units)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sessionpgx.Do(t.Context(), p, func(context.Context, pgx.Tx) error {
		if n := len(held(t)); n != 1 {
			t.Errorf("%d units, want the one of Do", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(held(t)); n != 0 {
		t.Errorf("%d units after the end", n)
	}
}

func TestWatchRefusesAKeptConnection(t *testing.T) {
	p, _ := watched(t, 1)
	c, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := c.Conn()
	c.Release()
	_, err = kept.Exec(t.Context(), `SELECT 1`)
	illegal(t, err, session.RuleEnded)
	b := &pgx.Batch{}
	b.Queue(`SELECT 1`)
	illegal(t, kept.SendBatch(t.Context(), b).Close(), session.RuleEnded)
	var n int
	illegal(t, kept.QueryRow(t.Context(), `SELECT 1`).Scan(&n), session.RuleEnded)
	if count(t, p) != 100 {
		t.Error("the pool was harmed")
	}
}

func TestWatchFindsASelfDeadlock(t *testing.T) {
	p, _ := watched(t, 2)
	var inside, done sync.WaitGroup
	inside.Add(2)
	errs := make([]error, 2)
	for i := range 2 {
		done.Go(func() { errs[i] = twice(p, &inside) })
	}
	done.Wait()
	if errs[0] == nil && errs[1] == nil {
		t.Fatal("nobody was told")
	}
	for _, err := range errs {
		if err != nil {
			if e := illegal(t, err, session.RuleCircle); len(e.Held) != 2 {
				t.Errorf("the circle is not told: %v", e)
			}
		}
	}
	idle(t, p)
}

// twice asks the pool for a second connection while it holds one.
func twice(p *pgxpool.Pool, inside *sync.WaitGroup) error {
	ctx := context.Background()
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	inside.Done()
	inside.Wait()
	_, err = p.Exec(ctx, `SELECT 1`)
	return err
}

func TestWatchBoundsAWait(t *testing.T) {
	p, _ := watched(t, 1, sessionpgx.WithWait(30*time.Millisecond))
	c, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	other := make(chan error)
	go func() {
		_, err := p.Exec(t.Context(), `SELECT 1`)
		other <- err
	}()
	err = <-other
	if e := illegal(t, err, session.RuleWait); len(e.Held) != 1 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestWatchTakesALeakAway(t *testing.T) {
	p, l := watched(t, 1, sessionpgx.WithLimit(50*time.Millisecond))
	tx, err := p.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatal("the watchdog sleeps")
		}
	}
	_, err = tx.Exec(t.Context(), `SELECT 1`)
	if e := illegal(t, err, session.RuleEnded); e.State != "ended: taken away" {
		t.Error(e)
	}
	if !strings.Contains(l.String(), "watch_test.go") || !strings.Contains(l.String(), "rule=leak") {
		t.Errorf("logged: %s", l)
	}
	_ = tx.Rollback(t.Context())
	idle(t, p)
	if count(t, p) != 100 {
		t.Error("the pool was harmed")
	}
}

func TestWatchDestroysWhatComesBackDirty(t *testing.T) {
	p, l := watched(t, 1)
	for _, statement := range []string{`BEGIN`, `SET search_path = pg_temp`, `SELECT pg_advisory_lock(1)`} {
		if _, err := p.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if n := count(t, p); n != 100 { // fails inside the stranger's setting or transaction
			t.Error(n)
		}
	}
	if n := strings.Count(l.String(), "rule=dirty"); n != 1 { // one call site
		t.Errorf("%d reports:\n%s", n, l)
	}
	// The server's process hears of its closed socket a moment later.
	for begin, locks := time.Now(), 1; locks > 0; time.Sleep(time.Millisecond) {
		err := p.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&locks)
		if err != nil || time.Since(begin) > hang {
			t.Fatalf("%d locks left, %v", locks, err)
		}
	}
}

func TestWatchLetsHooksAndIdleConnectionsPass(t *testing.T) {
	p := open(t, func(cfg *pgxpool.Config) {
		cfg.AfterRelease = func(c *pgx.Conn) bool {
			_, err := c.Exec(context.Background(), `SELECT 1`)
			return err == nil
		}
		cfg.PrepareConn = func(ctx context.Context, c *pgx.Conn) (bool, error) {
			_, err := c.Exec(ctx, `SELECT 1`)
			return true, err
		}
		cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
		sessionpgx.Watch(cfg)
	})
	for range 5 {
		if count(t, p) != 100 {
			t.Error("no answer")
		}
	}
	for begin := time.Now(); p.Stat().IdleConns() == 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatal("no idle connection: the hook was refused")
		}
	}
	for _, c := range p.AcquireAllIdle(t.Context()) {
		if _, err := c.Exec(t.Context(), `SELECT 1`); err != nil {
			t.Error(err)
		}
		c.Release()
	}
}

func TestWatchWarnsOnceACallSite(t *testing.T) {
	p, l := watched(t, 1, sessionpgx.WithRules(session.Rules{session.RuleEnded: session.Warn}))
	c, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := c.Conn()
	c.Release()
	for range 3 {
		if _, err := kept.Exec(t.Context(), `SELECT 1`); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(l.String(), "rule=ended"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, l)
	}
}

// stranger is a tracer that was there before.
type stranger struct{ queries atomic.Int64 }

func (s *stranger) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.queries.Add(1)
	return ctx
}

func (*stranger) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestWatchLeavesATracerInPlace(t *testing.T) {
	var theirs stranger
	p := open(t, func(cfg *pgxpool.Config) {
		cfg.MaxConns = 1
		cfg.ConnConfig.Tracer = &theirs
		sessionpgx.Watch(cfg)
	})
	before := theirs.queries.Load()
	var kept *pgx.Conn
	if err := p.AcquireFunc(t.Context(), func(c *pgxpool.Conn) error {
		kept = c.Conn()
		_, err := c.Exec(t.Context(), `SELECT 1`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if theirs.queries.Load() == before {
		t.Error("the tracer that was there sees nothing")
	}
	_, err := kept.Exec(t.Context(), `SELECT 1`)
	illegal(t, err, session.RuleEnded)
}

func TestWatchSeesAStrangerInsideAUnit(t *testing.T) {
	p, _ := watched(t, 1)
	var kept *pgx.Conn
	if err := p.AcquireFunc(t.Context(), func(c *pgxpool.Conn) error {
		kept = c.Conn()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		_, err := kept.Exec(ctx, `INSERT INTO t VALUES (101)`)
		illegal(t, err, session.RuleEnded)
		sub, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		return errors.Join(insert(ctx, sub), sub.Rollback(ctx))
	})
	if err != nil || count(t, p) != 100 {
		t.Errorf("the right use was harmed: %v", err)
	}
	pid := func() (pid int) {
		if err := p.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := pid()
	if err := sessionpgx.Do(t.Context(), p, func(context.Context, pgx.Tx) error { return errAuthor }); !errors.Is(err, errAuthor) {
		t.Error(err)
	}
	if pid() != before {
		t.Error("a rollback costs the connection")
	}
}
