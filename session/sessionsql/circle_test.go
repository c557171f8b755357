package sessionsql_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

// audit opens a unit of its own and has forgotten its caller's context.
func audit(db *sql.DB) error {
	return sessionsql.Do(context.Background(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, "audit")
		return err
	})
}

func TestSelfDeadlockWithALostContextIsFound(t *testing.T) {
	db := sessiontest.NewDatabase().Use(t)
	db.SetMaxOpenConns(4)
	all := make(chan struct{})
	var inside, done sync.WaitGroup
	inside.Add(4)
	errs := make([]error, 4)
	for i := range 4 {
		done.Go(func() {
			errs[i] = sessionsql.Do(t.Context(), db, func(context.Context, *sessionsql.Tx) error {
				inside.Done()
				<-all
				return audit(db)
			})
		})
	}
	inside.Wait()
	close(all)
	done.Wait()
	failed := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		failed++
		if e := illegal(t, err, session.RuleCircle); len(e.Held) != 4 || len(e.Used) == 0 {
			t.Errorf("the circle is not told: %v", err)
		}
	}
	if failed == 0 {
		t.Error("nobody was told")
	}
}

func TestNoVerdictWhileOneHolderRuns(t *testing.T) {
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	db.SetMaxOpenConns(2)
	var done sync.WaitGroup
	errs := make(chan error, 2)
	for _, work := range []func(ctx context.Context, tx *sessionsql.Tx) error{
		func(ctx context.Context, tx *sessionsql.Tx) error {
			_, err := tx.ExecContext(ctx, "block")
			return err
		},
		func(context.Context, *sessionsql.Tx) error { return audit(db) },
	} {
		done.Go(func() { errs <- sessionsql.Do(t.Context(), db, work) })
	}
	<-d.Blocked()
	time.Sleep(300 * time.Millisecond) // several looks of the judge
	d.Unblock()
	done.Wait()
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Errorf("an alarm, while a holder was running: %v", err)
	}
}

func TestAWaitHasABound(t *testing.T) {
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	db.SetMaxOpenConns(1)
	pool := sessionsql.Pool(db, sessionsql.WithWait(30*time.Millisecond))
	done := make(chan error)
	go func() {
		done <- sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
			_, err := tx.ExecContext(ctx, "block")
			return err
		})
	}()
	<-d.Blocked()
	err := pool.Do(t.Context(), func(context.Context, *sessionsql.Tx) error { return nil })
	illegal(t, err, session.RuleWait)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	d.Unblock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
