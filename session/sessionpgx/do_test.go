package sessionpgx_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessiontest"
)

var errAuthor = errors.New("the author's")

func insert(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO t VALUES (101)`)
	return err
}

func TestDoCommitsRollsBackAndPassesPanicsOn(t *testing.T) {
	p := open(t)
	sessiontest.VerifyNone(t)
	if err := sessionpgx.Do(t.Context(), p, insert); err != nil {
		t.Fatal(err)
	}
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		return errors.Join(insert(ctx, tx), errAuthor)
	})
	if !errors.Is(err, errAuthor) {
		t.Errorf("got %v, want the author's error", err)
	}
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic did not pass")
			}
		}()
		_ = sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
			_ = insert(ctx, tx)
			panic("boom")
		})
	}()
	if n := count(t, p); n != 101 {
		t.Errorf("%d rows, want 101: only the first unit was to commit", n)
	}
	idle(t, p)
}

func TestUseAfterTheEndIsRefused(t *testing.T) {
	p := open(t)
	var kept pgx.Tx
	var rows pgx.Rows
	if err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) (err error) {
		kept = tx
		rows, err = tx.Query(ctx, `SELECT n FROM t`)
		rows.Close()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, errExec := kept.Exec(ctx, `SELECT 1`)
	refused, errQuery := kept.Query(ctx, `SELECT 1`)
	_, errPrepare := kept.Prepare(ctx, "a", `SELECT 1`)
	_, errCopy := kept.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"n"}, pgx.CopyFromRows(nil))
	_, errBegin := kept.Begin(ctx)
	b := &pgx.Batch{}
	b.Queue(`SELECT 1`)
	var n int
	for op, err := range map[string]error{
		"exec": errExec, "query": errQuery, "prepare": errPrepare, "copy": errCopy, "begin": errBegin,
		"query row": kept.QueryRow(ctx, `SELECT 1`).Scan(&n),
		"batch":     kept.SendBatch(ctx, b).Close(),
		"commit":    kept.Commit(ctx), "rollback": kept.Rollback(ctx),
	} {
		if e := illegal(t, err, session.RuleEnded); e.Op != op || e.State != "ended: committed" {
			t.Errorf("%s: %v", op, err)
		}
	}
	illegal(t, refused.Err(), session.RuleEnded)
	if rows.Next() || rows.Err() != nil {
		t.Errorf("rows that were closed in time: %v", rows.Err())
	}
}

func TestRowsOpenKeepTheUnitBusy(t *testing.T) {
	p := open(t)
	var rows pgx.Rows
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) (err error) {
		if err := insert(ctx, tx); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, `SELECT n FROM t`)
		if err != nil {
			return err
		}
		rows.Next()
		_, err = tx.Exec(ctx, `SELECT 1`)
		illegal(t, err, session.RuleRows)
		return nil
	})
	illegal(t, err, session.RuleRows)
	if rows.Next() {
		t.Error("rows go on after the end")
	}
	illegal(t, rows.Err(), session.RuleEnded)
	if n := count(t, p); n != 100 {
		t.Errorf("%d rows: the unit was not rolled back", n)
	}
	idle(t, p)
}

func TestRowNeverScannedIsRefused(t *testing.T) {
	p := open(t)
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		tx.QueryRow(ctx, `SELECT 1`)
		return nil
	})
	illegal(t, err, session.RuleRows)
	idle(t, p)
}

func TestBatchAndSavepoint(t *testing.T) {
	p := open(t)
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO t VALUES (101)`)
		b.Queue(`SELECT 1`)
		res := tx.SendBatch(ctx, b)
		if _, err := res.Exec(); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `SELECT 1`)
		illegal(t, err, session.RuleRows)
		var n int
		if err := errors.Join(res.QueryRow().Scan(&n), res.Close(), res.Close()); err != nil {
			return err
		}
		sub, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		if err := insert(ctx, sub); err != nil {
			return err
		}
		if err := sub.Rollback(ctx); err != nil {
			return err
		}
		if err := insert(ctx, sub); !errors.Is(err, pgx.ErrTxClosed) {
			t.Errorf("a savepoint that has ended: got %v", err)
		}
		_, err = tx.Exec(ctx, `SELECT 1`) // the unit goes on
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, p); n != 101 {
		t.Errorf("%d rows, want the batch's one more", n)
	}
}

func TestOverlapAndStray(t *testing.T) {
	p := open(t)
	stray := make(chan error, 1)
	begun := make(chan struct{})
	started := time.Now()
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		go func() {
			close(begun)
			_, err := tx.Exec(ctx, `SELECT pg_sleep(2.5)`)
			stray <- err
		}()
		<-begun
		for len(session.Units()) == 0 || session.Units()[0].Op != "exec" {
			time.Sleep(time.Millisecond)
		}
		_, err := tx.Exec(ctx, `SELECT 1`)
		if e := illegal(t, err, session.RuleOverlap); e.State != "in use: exec" {
			t.Error(e)
		}
		return nil
	})
	illegal(t, err, session.RuleOverlap)
	if held := time.Since(started); held > 2*time.Second {
		t.Errorf("the end waited %s for a stray statement", held)
	}
	if n := len(session.Units()); n != 0 {
		t.Errorf("%d units", n)
	}
	<-stray
	idle(t, p)
	if n := count(t, p); n != 100 {
		t.Errorf("%d rows", n)
	}
}

func TestNestedAndCommitByHand(t *testing.T) {
	p := open(t)
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		illegal(t, tx.Commit(ctx), session.RuleByHand)
		illegal(t, tx.Rollback(ctx), session.RuleByHand)
		return sessionpgx.Pool(p).Do(ctx, insert)
	})
	if e := illegal(t, err, session.RuleNested); e.Opened.Line == 0 || e.Opened.Line+3 != e.Used[0].Line {
		t.Errorf("want both lines: %v", e)
	}
}

func TestCancelledContextStillMatchesCanceled(t *testing.T) {
	p := open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	err := sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		cancel(errAuthor)
		_, err := tx.Exec(ctx, `SELECT 1`)
		illegal(t, err, session.RuleEnded)
		_, err = tx.Exec(context.WithoutCancel(ctx), `SELECT 1`)
		return err
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errAuthor) {
		t.Errorf("got %v, want canceled and its cause", err)
	}
	illegal(t, err, session.RuleEnded)
	idle(t, p)
}

func TestAConnectionThatWasHandedOutIsDestroyed(t *testing.T) {
	p := open(t, func(cfg *pgxpool.Config) { cfg.MaxConns = 1 })
	var kept *pgx.Conn
	if err := sessionpgx.Do(t.Context(), p, func(_ context.Context, tx pgx.Tx) error {
		kept = tx.Conn()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	idle(t, p)
	err := sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := kept.Exec(ctx, `INSERT INTO t VALUES (102)`); err == nil {
			t.Error("a kept connection wrote into a stranger's transaction")
		}
		return insert(ctx, tx)
	})
	if err != nil || count(t, p) != 101 {
		t.Errorf("the right use was harmed: %v", err)
	}
}

func TestConnIsGivenBackCleanOrDestroyed(t *testing.T) {
	p := open(t, func(cfg *pgxpool.Config) { cfg.MaxConns = 1 })
	pid := func(statement string) (pid int, err error) {
		err = sessionpgx.DoConn(t.Context(), p, func(ctx context.Context, c *sessionpgx.Conn) error {
			if _, err := c.Exec(ctx, statement); err != nil {
				return err
			}
			return c.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
		})
		return pid, err
	}
	first, err := pid(`SELECT 1`)
	if err != nil {
		t.Fatal(err)
	}
	for statement, what := range map[string]string{
		`BEGIN`:                      "transaction",
		`SELECT pg_advisory_lock(1)`: "lock",
		`SET search_path = pg_temp`:  "setting",
	} {
		second, err := pid(statement)
		if e := illegal(t, err, session.RuleDirty); second != first || !strings.Contains(e.State, what) {
			t.Errorf("%s: %v", statement, err)
		}
		idle(t, p)
		if first, err = pid(`SELECT 1`); err != nil || first == second {
			t.Errorf("after %s: the connection was given back: %v", statement, err)
		}
	}
}

func TestOnceRunsOnceHoweverManyCall(t *testing.T) {
	p := open(t)
	pool := sessionpgx.Pool(p)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := pool.Once(t.Context(), "key", func(ctx context.Context, tx pgx.Tx) ([]byte, error) {
				return []byte("result"), insert(ctx, tx)
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
	if _, err := p.Exec(t.Context(), `UPDATE reeve_once SET at = at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	if n, err := sessionpgx.PruneOnce(t.Context(), p, time.Hour); n != 1 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
}

func TestOnceChecksItsTable(t *testing.T) {
	p := open(t)
	if _, err := p.Exec(t.Context(), `CREATE TABLE reeve_once (a int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := sessionpgx.Pool(p).Once(t.Context(), "k", nil); err == nil || !strings.Contains(err.Error(), "CREATE TABLE") {
		t.Errorf("got %v", err)
	}
}
