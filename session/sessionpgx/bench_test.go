package sessionpgx_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// A point query through PostgreSQL, bare and guarded. What the guard adds is less than
// what the kernel does by waking a backend on the one core or the other, so the measure takes
// care: each round has backends of its own, within a round the cases take turns in blocks,
// and the median of the rounds counts. Where all runs on one core nothing moves at all:
//
//	go test -c ./session/sessionpgx
//	taskset -c 1 ./sessionpgx.test -test.run xxx -test.bench PointQuery -test.benchtime 30x
//
// It reports the median of the rounds' medians in nanoseconds, and the median of what the
// guard added in each round, in per cent.
func BenchmarkPointQuery(b *testing.B) {
	dsn := pgtest.Database(b)
	setUp(b, dsn)
	var cases []*timed
	for b.Loop() {
		round, closeAll := pointQueries(b, dsn)
		if cases == nil {
			cases = round
		}
		measure(b, round)
		for i, c := range round {
			cases[i].medians = append(cases[i].medians, c.median())
			cases[i].added = append(cases[i].added, 100*(c.median()/round[c.beside].median()-1))
		}
		closeAll()
	}
	for i, c := range cases {
		b.ReportMetric(middle(c.medians), c.name+"-ns")
		if c.beside != i {
			b.ReportMetric(middle(c.added), c.name+"-%")
		}
	}
}

func setUp(b *testing.B, dsn string) {
	c, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(b.Context())
	if _, err := c.Exec(b.Context(), `CREATE TABLE t AS SELECT generate_series(1, 100) AS n; CREATE INDEX ON t (n)`); err != nil {
		b.Fatal(err)
	}
}

// timed is one way to do a point query.
type timed struct {
	name   string
	beside int // the case that is the same without the guard
	run    func(context.Context) error
	took   []float64 // of one round

	medians, added []float64 // of all rounds
}

func (t *timed) median() float64 { return middle(t.took) }

func middle(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func measure(b *testing.B, cases []*timed) {
	const warm, block, turns = 30, 500, 3
	for range turns {
		for _, c := range cases {
			run(b, c, warm)
			begin := time.Now()
			run(b, c, block)
			c.took = append(c.took, float64(time.Since(begin))/block)
		}
	}
}

func run(b *testing.B, c *timed, n int) {
	for range n {
		if err := c.run(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func pointQueries(b *testing.B, dsn string) (cases []*timed, closeAll func()) {
	bare, watched := onePool(b, dsn, false), onePool(b, dsn, true)
	bareSQL, watchedSQL := oneDB(b, dsn, false), oneDB(b, dsn, true)
	guarded := func(p *pgxpool.Pool) func(context.Context) error {
		return func(ctx context.Context) error {
			return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error { return query(ctx, tx) })
		}
	}
	querySQL := func(db *sql.DB) func(context.Context) error {
		return func(ctx context.Context) error {
			var n int
			return db.QueryRowContext(ctx, point, 7).Scan(&n)
		}
	}
	cases = []*timed{
		{name: "query", beside: 0, run: func(ctx context.Context) error { return query(ctx, bare) }},
		{name: "query-watched", beside: 0, run: func(ctx context.Context) error { return query(ctx, watched) }},
		{name: "tx", beside: 2, run: func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, bare, func(tx pgx.Tx) error { return query(ctx, tx) })
		}},
		{name: "tx-guarded", beside: 2, run: guarded(bare)},
		{name: "tx-guarded-watched", beside: 2, run: guarded(watched)},
		{name: "sql-query", beside: 5, run: querySQL(bareSQL)},
		{name: "sql-query-watched", beside: 5, run: querySQL(watchedSQL)},
	}
	return cases, func() {
		bare.Close()
		watched.Close()
		_, _ = bareSQL.Close(), watchedSQL.Close()
	}
}

func onePool(b *testing.B, dsn string, guarded bool) *pgxpool.Pool {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	cfg.MaxConns = 1
	if guarded {
		sessionpgx.Watch(cfg)
	}
	p, err := pgxpool.NewWithConfig(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func oneDB(b *testing.B, dsn string, guarded bool) *sql.DB {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	if guarded {
		return sql.OpenDB(sessionsql.Watch(stdlib.GetConnector(*cfg), sessionsql.WithMaxOpen(1)))
	}
	db := sql.OpenDB(stdlib.GetConnector(*cfg))
	db.SetMaxOpenConns(1)
	return db
}

const point = `SELECT n FROM t WHERE n = $1`

type rower interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}

func query(ctx context.Context, q rower) error {
	var n int
	return q.QueryRow(ctx, point, 7).Scan(&n)
}
