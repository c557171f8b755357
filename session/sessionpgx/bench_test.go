package sessionpgx_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session/sessionpgx"
)

const point = `SELECT n FROM t WHERE n = $1`

// A point query, bare and guarded in turn, operation by operation, so that the
// machine's mood is the same for all. It reports the medians in nanoseconds, and what the
// guard adds to its bare neighbour in per cent.
func BenchmarkPointQuery(b *testing.B) {
	open := func(change ...func(*pgxpool.Config)) *pgxpool.Pool {
		p := open(b, change...)
		if _, err := p.Exec(b.Context(), `CREATE INDEX ON t (n)`); err != nil {
			b.Fatal(err)
		}
		return p
	}
	bare, watched := open(), open(func(cfg *pgxpool.Config) { sessionpgx.Watch(cfg) })
	guarded := func(p *pgxpool.Pool) func(context.Context) error {
		return func(ctx context.Context) error {
			return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error { return query(ctx, tx) })
		}
	}
	cases := []*timed{
		{name: "query", run: func(ctx context.Context) error { return query(ctx, bare) }},
		{name: "query-watched", beside: 0, run: func(ctx context.Context) error { return query(ctx, watched) }},
		{name: "tx", beside: 2, run: func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, bare, func(tx pgx.Tx) error { return query(ctx, tx) })
		}},
		{name: "tx-guarded", beside: 2, run: guarded(bare)},
		{name: "tx-guarded-watched", beside: 2, run: guarded(watched)},
	}
	for b.Loop() {
		for _, c := range cases {
			begin := time.Now()
			if err := c.run(b.Context()); err != nil {
				b.Fatal(err)
			}
			c.took = append(c.took, time.Since(begin))
		}
	}
	for i, c := range cases {
		b.ReportMetric(c.median(), c.name+"-ns")
		if c.beside != i {
			b.ReportMetric(100*(c.median()/cases[c.beside].median()-1), c.name+"-%")
		}
	}
}

type timed struct {
	name   string
	beside int // the case that is the same without the guard
	run    func(context.Context) error
	took   []time.Duration
}

func (t *timed) median() float64 {
	slices.Sort(t.took)
	return float64(t.took[len(t.took)/2])
}

type rower interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}

func query(ctx context.Context, q rower) error {
	var n int
	return q.QueryRow(ctx, point, 7).Scan(&n)
}
