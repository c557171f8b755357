package catalogue_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessiontest"
)

var loadFor = flag.Duration("load", time.Second, "how long 64 goroutines misuse a pool of 4")

// TestLoad misuses one pool in every way at once, among right uses: each misuse is
// an error with a line of this package, no right use is harmed, and nothing is left.
func TestLoad(t *testing.T) {
	sessiontest.VerifyNone(t)
	cfg, err := pgxpool.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 4
	sessionpgx.Watch(cfg, sessionpgx.WithName(t.Name()))
	p, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Exec(t.Context(), schema+`; TRUNCATE t; INSERT INTO t VALUES (0)`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var right atomic.Int64
	end := time.Now().Add(*loadFor)
	for seed := range 64 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			for time.Now().Before(end) && !t.Failed() {
				misuse(t, p, r, &right)
			}
		})
	}
	wg.Wait()
	var rows int64
	if err := p.QueryRow(t.Context(), `SELECT count(*) FROM t WHERE n = 7`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != right.Load() || rows == 0 {
		t.Errorf("%d rows of %d right uses", rows, right.Load())
	}
	if err := eventually(t.Context(), "no connection acquired", func() bool { return p.Stat().AcquiredConns() == 0 }); err != nil {
		t.Error(err)
	}
	p.Close()
}

// misuses leave a row 6 behind if they are let pass.
var misuses = []func(context.Context, *pgxpool.Pool) error{
	afterPgxDo, keptPgxDo, strayPgx, closePgxDo, commitPgxDo, secondPgxDo, secondLostPgxDo, outerPgxDo,
	cancelledPgxDo, leftPgxDo, rowPgxDo,
}

func misuse(t *testing.T, p *pgxpool.Pool, r *rand.Rand, right *atomic.Int64) {
	i := r.IntN(2 * len(misuses))
	if i >= len(misuses) {
		err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO t VALUES (7)`)
			return err
		})
		if err != nil {
			t.Errorf("a right use was harmed: %v", err)
		}
		right.Add(1)
		return
	}
	err := misuses[i](t.Context(), p)
	e, ok := errors.AsType[*session.IllegalStateError](err)
	switch {
	case ok && !strings.Contains(e.Used[0].File, "/catalogue/"):
		t.Errorf("misuse %d: not the author's line: %v", i, err)
	case ok, i == 1 && err != nil: // pgx says "conn closed" before it asks anybody
	case i == 6 && err == nil: // not all four were inside at once: no circle, no harm
	default:
		t.Errorf("misuse %d: got %v", i, err)
	}
}

// keptPgxDo keeps the connection beyond the unit. (One kept beyond a bare Acquire
// is seen while it lies in the pool or a unit of Do holds it; not while another bare
// Acquire does, and then the driver itself is in a race.)
func keptPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	var kept *pgx.Conn
	if err := sessionpgx.Do(ctx, p, func(_ context.Context, tx pgx.Tx) error {
		kept = tx.Conn()
		return nil
	}); err != nil {
		return err
	}
	_, err := kept.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

// strayPgx leaves a goroutine behind that is inside a statement.
func strayPgx(ctx context.Context, p *pgxpool.Pool) error {
	in := make(chan struct{})
	return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT generate_series(1, 3)`)
		if err != nil {
			return err
		}
		go func() {
			rows.Next()
			close(in)
		}()
		<-in
		return nil
	})
}
