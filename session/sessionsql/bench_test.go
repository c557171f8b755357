package sessionsql_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

// Bare and guarded in turn, batch by batch, on a driver that does nothing: the
// difference is the cost of the guard. It reports medians in nanoseconds.

func BenchmarkUnit(b *testing.B) {
	db := sessiontest.NewDatabase().Use(b)
	compare(b, 20, map[string]func() error{
		"bare": func() error {
			tx, err := db.BeginTx(b.Context(), nil)
			if err != nil {
				return err
			}
			return tx.Commit()
		},
		"guarded": func() error {
			return sessionsql.Do(b.Context(), db, func(context.Context, *sessionsql.Tx) error { return nil })
		},
	})
}

func BenchmarkExec(b *testing.B) {
	d := sessiontest.NewDatabase()
	db, plain := d.Use(b), d.Use(b)
	watched := sql.OpenDB(sessionsql.Watch(d))
	defer watched.Close()
	bare, err := plain.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bare.Rollback() }()
	err = sessionsql.Do(b.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		return sessionsql.Do(ctx, watched, func(ctx context.Context, wtx *sessionsql.Tx) error {
			exec := func(f func(context.Context, string, ...any) (sql.Result, error)) func() error {
				return func() error {
					_, err := f(ctx, "x")
					return err
				}
			}
			compare(b, 500, map[string]func() error{
				"bare": exec(bare.ExecContext), "guarded": exec(tx.ExecContext), "guarded-watched": exec(wtx.ExecContext),
			})
			return nil
		})
	})
	if err != nil {
		b.Fatal(err)
	}
}

func compare(b *testing.B, batch int, cases map[string]func() error) {
	took := map[string][]float64{}
	for b.Loop() {
		for name, run := range cases {
			begin := time.Now()
			for range batch {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			took[name] = append(took[name], float64(time.Since(begin))/float64(batch))
		}
	}
	for name, ns := range took {
		slices.Sort(ns)
		b.ReportMetric(ns[len(ns)/2], name+"-ns")
	}
}
