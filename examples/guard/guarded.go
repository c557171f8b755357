package main

import (
	"context"
	"database/sql"
	"sync"

	"github.com/reeve-run/reeve/session/sessionsql"
)

// lentGuarded makes the same mistake with a unit: what is kept is of no use.
func lentGuarded(ctx context.Context, db *sql.DB) error {
	var kept *sessionsql.Tx
	if err := sessionsql.Do(ctx, db, func(_ context.Context, tx *sessionsql.Tx) error {
		kept = tx
		return nil
	}); err != nil {
		return err
	}
	return record(ctx, kept, "plan")
}

func record(ctx context.Context, tx *sessionsql.Tx, step string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO steps VALUES (?)`, step)
	return err
}

// sharedGuarded lets two agents at one unit until they meet.
func sharedGuarded(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		met, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var agents sync.WaitGroup
		for range 2 {
			//reeve:allow sessionspawned it is the mistake that this example shows
			agents.Go(func() {
				for met.Err() == nil {
					if err := record(ctx, tx, "agent"); err != nil {
						cancel(err)
					}
				}
			})
		}
		agents.Wait()
		return context.Cause(met)
	})
}

// waitGuarded asks the pool for a second unit while the handler holds one.
func waitGuarded(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, _ *sessionsql.Tx) error {
		_, err := db.ExecContext(ctx, `INSERT INTO steps VALUES ('plan')`)
		return err
	})
}
