package sessionsql_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

func TestOnceRunsOnceHoweverManyCall(t *testing.T) {
	db := openSQLite(t)
	pool := sessionsql.Pool(db)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := pool.Once(t.Context(), "key", func(ctx context.Context, tx *sessionsql.Tx) ([]byte, error) {
				return []byte("result"), insert(ctx, tx, 101)
			})
			if err != nil || string(got) != "result" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db); n != 101 {
		t.Errorf("%d rows, want 101", n)
	}
}

func TestOnceThatFailedMayRunAgain(t *testing.T) {
	db := openSQLite(t)
	pool := sessionsql.Pool(db)
	_, err := pool.Once(t.Context(), "key", func(ctx context.Context, tx *sessionsql.Tx) ([]byte, error) {
		return nil, errors.Join(insert(ctx, tx, 101), errAuthor)
	})
	if !errors.Is(err, errAuthor) {
		t.Fatal(err)
	}
	got, err := pool.Once(t.Context(), "key", func(ctx context.Context, tx *sessionsql.Tx) ([]byte, error) {
		return nil, insert(ctx, tx, 101)
	})
	if err != nil || got != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestOncePrunes(t *testing.T) {
	db := openSQLite(t)
	pool := sessionsql.Pool(db)
	work := func(context.Context, *sessionsql.Tx) ([]byte, error) { return []byte("x"), nil }
	for _, k := range []string{"old", "new"} {
		if _, err := pool.Once(t.Context(), k, work); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(`UPDATE reeve_once SET at = at - 7200 WHERE key = 'old'`); err != nil {
		t.Fatal(err)
	}
	n, err := sessionsql.PruneOnce(t.Context(), db, 3600e9)
	if err != nil || n != 1 {
		t.Errorf("pruned %d, %v; want the old one", n, err)
	}
}

func TestOnceChecksWhatItIsGiven(t *testing.T) {
	if _, err := sessionsql.Pool(openSQLite(t)).Once(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "key is empty") {
		t.Errorf("got %v", err)
	}
	if _, err := sessionsql.Pool(sessiontest.NewDatabase().Use(t)).Once(t.Context(), "k", nil); err == nil || !strings.Contains(err.Error(), "WithDialect") {
		t.Errorf("got %v", err)
	}
	foreign := openSQLite(t)
	if _, err := foreign.Exec(`CREATE TABLE reeve_once (a integer)`); err != nil {
		t.Fatal(err)
	}
	if _, err := sessionsql.Pool(foreign).Once(t.Context(), "k", nil); err == nil || !strings.Contains(err.Error(), "reeve_once") {
		t.Errorf("got %v", err)
	}
}
