package sessionsql_test

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

var errAuthor = errors.New("the author's")

func insert(ctx context.Context, tx *sessionsql.Tx, n int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO t (n) VALUES (?)`, n)
	return err
}

func TestDoCommitsRollsBackAndPassesPanicsOn(t *testing.T) {
	db := openSQLite(t)
	if err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		return insert(ctx, tx, 101)
	}); err != nil {
		t.Fatal(err)
	}
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		return errors.Join(insert(ctx, tx, 102), errAuthor)
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
		_ = sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
			if err := insert(ctx, tx, 103); err != nil {
				t.Error(err)
			}
			panic("boom")
		})
	}()
	if n := count(t, db); n != 101 {
		t.Errorf("%d rows, want 101: only the first unit was to commit", n)
	}
	if units := session.Units(); len(units) != 0 {
		t.Errorf("units left open: %v", units)
	}
}

// illegal asserts that err is an IllegalStateError of the rule which names this file.
func illegal(t *testing.T, err error, rule session.Rule) *session.IllegalStateError {
	t.Helper()
	e, ok := errors.AsType[*session.IllegalStateError](err)
	if !ok {
		t.Fatalf("got %v (%T), want an IllegalStateError", err, err)
	}
	if e.Rule != rule || !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("rule %q, want %q, in: %v", e.Rule, rule, err)
	}
	if !strings.Contains(e.Opened.File, "_test.go") || len(e.Used) == 0 || !strings.Contains(e.Used[0].File, "_test.go") {
		t.Errorf("the places are not the author's: %v", err)
	}
	return e
}

func TestUseAfterTheEndIsRefused(t *testing.T) {
	db := openSQLite(t)
	var kept *sessionsql.Tx
	if err := sessionsql.Do(t.Context(), db, func(_ context.Context, tx *sessionsql.Tx) error {
		kept = tx
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	stmt, err := db.PrepareContext(ctx, `SELECT 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	_, errExec := kept.ExecContext(ctx, `SELECT 1`)
	_, errQuery := kept.QueryContext(ctx, `SELECT 1`)
	_, errPrepare := kept.PrepareContext(ctx, `SELECT 1`)
	_, errStmt := kept.StmtContext(ctx, stmt).ExecContext(ctx)
	var n int
	for op, err := range map[string]error{
		"exec": errExec, "query": errQuery, "prepare": errPrepare, "use of a statement": errStmt,
		"query row": kept.QueryRowContext(ctx, `SELECT 1`).Scan(&n),
		"commit":    kept.Commit(), "rollback": kept.Rollback(),
	} {
		if e := illegal(t, err, session.RuleEnded); e.Op != op || e.State != "ended: committed" || e.Advice == "" {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestNestedUnitIsRefusedWithBothLines(t *testing.T) {
	db := openSQLite(t)
	db.SetMaxOpenConns(1)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, _ *sessionsql.Tx) error {
		return sessionsql.Do(ctx, db, func(context.Context, *sessionsql.Tx) error { return nil })
	})
	e := illegal(t, err, session.RuleNested)
	if e.Opened.Line+1 != e.Used[0].Line {
		t.Errorf("lines %d and %d, want the two of Do", e.Opened.Line, e.Used[0].Line)
	}
	err = sessionsql.Pool(db).Do(t.Context(), func(ctx context.Context, _ *sessionsql.Tx) error {
		_, err := sessionsql.Pool(db, sessionsql.WithName("other")).Once(ctx, "k", nil)
		return err
	})
	illegal(t, err, session.RuleNested)
}

func TestSecondPoolIsNotNested(t *testing.T) {
	a, b := openSQLite(t), openSQLite(t)
	err := sessionsql.Do(t.Context(), a, func(ctx context.Context, _ *sessionsql.Tx) error {
		return sessionsql.Read(ctx, b, func(ctx context.Context, tx *sessionsql.Tx) error {
			var n int
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM t`).Scan(&n)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommitWithRowsOpenIsRefused(t *testing.T) {
	db := openSQLite(t)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		if err := insert(ctx, tx, 101); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT n FROM t`)
		if err != nil {
			return err
		}
		rows.Next()
		return nil
	})
	if e := illegal(t, err, session.RuleRows); !strings.Contains(e.State, "SELECT n FROM t") {
		t.Errorf("the query is not named: %v", err)
	}
	if n := count(t, db); n != 100 {
		t.Errorf("%d rows: the unit was not rolled back", n)
	}
}

func TestClosedRowsDoNotStopACommit(t *testing.T) {
	db := openSQLite(t)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		for range 10 {
			rows, err := tx.QueryContext(ctx, `SELECT n FROM t`)
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return insert(ctx, tx, 101)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 101 {
		t.Errorf("%d rows, want 101", n)
	}
}

func TestCancelledContextStillMatchesCanceled(t *testing.T) {
	db := openSQLite(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	err := sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		cancel(errAuthor)
		for { // database/sql rolls back in a goroutine of its own
			if err := insert(context.WithoutCancel(ctx), tx, 200); err != nil {
				return err
			}
			if _, err := tx.ExecContext(context.WithoutCancel(ctx), `DELETE FROM t WHERE n = 200`); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errAuthor) || !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("got %v, want canceled, its cause and ErrTxDone", err)
	}
	illegal(t, err, session.RuleEnded)
	if err := sessionsql.Do(ctx, db, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a context that is done", err)
	}
}

func TestCommitByHandIsRefused(t *testing.T) {
	db := openSQLite(t)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		illegal(t, tx.Commit(), session.RuleByHand)
		illegal(t, tx.Rollback(), session.RuleByHand)
		return insert(ctx, tx, 101)
	})
	if err != nil || count(t, db) != 101 {
		t.Errorf("the unit did not go on: %v", err)
	}
}

func TestStatementsOfThePool(t *testing.T) {
	db := openSQLite(t)
	ctx := t.Context()
	add, err := db.PrepareContext(ctx, `INSERT INTO t (n) VALUES (?)`)
	if err != nil {
		t.Fatal(err)
	}
	defer add.Close()
	list, err := db.PrepareContext(ctx, `SELECT n FROM t WHERE n > ?`)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	err = sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		if _, err := tx.ExecStmt(ctx, add, 101); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowStmt(ctx, list, 100).Scan(&n); err != nil || n != 101 {
			t.Errorf("read %d, %v", n, err)
		}
		_, err := tx.QueryStmt(ctx, list, 0)
		return err
	})
	illegal(t, err, session.RuleRows)
}

func TestADatabaseIsForgottenWhenNobodyHasIt(t *testing.T) {
	before := sessionsql.Sources()
	for range 20 {
		db := sql.OpenDB(sessiontest.NewDatabase())
		if err := sessionsql.Do(t.Context(), db, func(context.Context, *sessionsql.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for begin := time.Now(); sessionsql.Sources() > before+5; time.Sleep(time.Millisecond) {
		if runtime.GC(); time.Since(begin) > hang {
			t.Fatalf("%d databases are still known", sessionsql.Sources()-before)
		}
	}
}
