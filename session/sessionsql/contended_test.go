package sessionsql_test

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// Callers that wait for one of four connections of PostgreSQL: bare, with database/sql's
// limit, and watched, with the guard's. Each round is a pair; it reports the medians, and
// what of the bare rate is left. Run it with -benchtime 15x: fifteen rounds.
func BenchmarkContended(b *testing.B) {
	cfg, err := pgx.ParseConfig(pgtest.Database(b))
	if err != nil {
		b.Fatal(err)
	}
	bare := sql.OpenDB(stdlib.GetConnector(*cfg))
	bare.SetMaxOpenConns(4)
	watched := sql.OpenDB(sessionsql.Watch(stdlib.GetConnector(*cfg), sessionsql.WithMaxOpen(4)))
	for _, db := range []*sql.DB{bare, watched} {
		db.SetMaxIdleConns(4)
		defer db.Close()
	}
	for name, callers := range map[string]int{"4-callers": 4, "32-callers": 32} {
		b.Run(name, func(b *testing.B) {
			var rates, left []float64
			for b.Loop() {
				plain := queries(b, bare, callers)
				rates = append(rates, plain)
				left = append(left, queries(b, watched, callers)/plain)
			}
			slices.Sort(rates)
			slices.Sort(left)
			b.ReportMetric(rates[len(rates)/2], "bare-queries/s")
			b.ReportMetric(left[len(left)/2], "watched-of-bare")
		})
	}
}

// queries is the rate of point queries by so many callers.
func queries(b *testing.B, db *sql.DB, callers int) float64 {
	const each = 2000
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range callers {
		wg.Go(func() {
			for range each {
				var n int
				if err := db.QueryRowContext(context.Background(), `SELECT $1::int`, i).Scan(&n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(callers*each) / time.Since(begin).Seconds()
}
