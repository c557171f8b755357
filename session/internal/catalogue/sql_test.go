package catalogue_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// misuseSQL is a misuse of database/sql, and what the guard has to say about it.
type misuseSQL struct {
	name    string
	rule    session.Rule
	bare    func(context.Context, *sql.DB) error
	guarded func(context.Context, *sql.DB) error
}

var catalogueSQL = []misuseSQL{
	{"use after the end", session.RuleEnded, afterSQL, afterDo},
	{"two use one transaction at once", session.RuleOverlap, sharedSQL, sharedDo},
	{"close while rows are open", session.RuleRows, closeSQL, closeDo},
	{"commit while rows are open", session.RuleRows, commitSQL, commitSQL},
	{"never closed", session.RuleWait, neverClosedSQL, neverClosedSQL},
	{"a second connection while one is held", session.RuleNested, secondSQL, secondDo},
	{"the same, with the context lost", session.RuleCircle, secondLostSQL, secondLostDo},
	{"the pool used inside a transaction", session.RuleNested, outerSQL, outerDo},
	{"cancelled, then used", session.RuleEnded, cancelledSQL, cancelledDo},
	{"idle in a transaction", session.RuleEnded, idleSQL, idleSQL},
	{"a transaction left on the connection", session.RuleDirty, leftSQL, leftDo},
	{"a row never scanned", session.RuleRows, rowSQL, rowDo},
	{"a handle leaked, then the pool closed", session.RuleLeak, leakedSQL, leakedClose},
}

func TestSQL(t *testing.T) {
	for _, system := range []string{"SQLite", "PostgreSQL"} {
		for _, m := range catalogueSQL {
			t.Run(system+"/"+m.name, func(t *testing.T) {
				bare, guarded := openSQL(t, system)
				report(m.name, system, try(t, func(ctx context.Context) error { return m.bare(ctx, bare) }))
				e := refused(t, func(ctx context.Context) error { return m.guarded(ctx, guarded) })
				if e.Rule != m.rule {
					t.Errorf("rule %q, want %q", e.Rule, m.rule)
				}
				if err := eventually(t.Context(), "no connection in use", func() bool { return guarded.Stats().InUse == 0 }); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func afterSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func afterDo(ctx context.Context, db *sql.DB) error {
	var kept *sessionsql.Tx
	if err := sessionsql.Do(ctx, db, func(_ context.Context, tx *sessionsql.Tx) error {
		kept = tx
		return nil
	}); err != nil {
		return err
	}
	_, err := kept.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

// slow keeps a connection busy for a moment.
const slow = `WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 50000) SELECT count(*) FROM s`

func sharedSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(shareSQL(ctx, tx.ExecContext), tx.Rollback())
}

func sharedDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		for { // until they have met
			if err := shareSQL(ctx, tx.ExecContext); err != nil {
				return err
			}
		}
	})
}

func shareSQL(ctx context.Context, exec func(context.Context, string, ...any) (sql.Result, error)) error {
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = exec(ctx, slow) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func closeSQL(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.QueryContext(ctx, `SELECT n FROM t`); err != nil {
		return err
	}
	return conn.Close()
}

func closeDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.DoConn(ctx, db, func(ctx context.Context, c *sessionsql.Conn) error {
		_, err := c.QueryContext(ctx, `SELECT n FROM t`)
		return err
	})
}

// commitSQL is as bare as can be: under the guard the driver sees it.
func commitSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT n FROM t`)
	if err != nil {
		return err
	}
	rows.Next()
	return tx.Commit()
}

// neverClosedSQL loses a connection in one place, and misses it in another.
func neverClosedSQL(ctx context.Context, db *sql.DB) error {
	lost := make(chan error)
	go func() {
		_, err := db.QueryContext(ctx, `SELECT n FROM t`)
		lost <- err
	}()
	if err := <-lost; err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func secondSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	second, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return second.Rollback()
}

func secondDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, _ *sessionsql.Tx) error {
		return sessionsql.Do(ctx, db, func(context.Context, *sessionsql.Tx) error { return nil })
	})
}

func secondLostSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = db.ExecContext(context.WithoutCancel(ctx), `INSERT INTO t VALUES (6)`)
	return err
}

func secondLostDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(context.Context, *sessionsql.Tx) error {
		return sessionsql.Do(ctx, db, func(context.Context, *sessionsql.Tx) error { return nil })
	})
}

func outerSQL(ctx context.Context, db *sql.DB) error { return secondSQL(ctx, db) }

func outerDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, _ *sessionsql.Tx) error {
		_, err := db.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
		return err
	})
}

func cancelledSQL(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	cancel()
	for err == nil {
		_, err = tx.ExecContext(context.WithoutCancel(ctx), `INSERT INTO t VALUES (6)`)
	}
	return err
}

func cancelledDo(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		cancel()
		for {
			if _, err := tx.ExecContext(context.WithoutCancel(ctx), `INSERT INTO t VALUES (6)`); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		return errors.New("does not match context.Canceled")
	}
	return err
}

func idleSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	sleep(ctx, 3*limit) // a model is asked
	_, err = tx.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func leftSQL(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `INSERT INTO t VALUES (6)`) // into whose transaction?
	return err
}

func leftDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.DoConn(ctx, db, func(ctx context.Context, c *sessionsql.Conn) error {
		_, err := c.ExecContext(ctx, `BEGIN`)
		return err
	})
}

func rowSQL(ctx context.Context, db *sql.DB) error {
	db.QueryRowContext(ctx, `SELECT n FROM t`)
	_, err := db.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func rowDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		tx.QueryRowContext(ctx, `SELECT n FROM t`)
		return nil
	})
}

func leakedSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return errors.Join(err, tx.Commit())
}

func leakedClose(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	soon, cancel := context.WithTimeout(ctx, limit/5)
	defer cancel()
	err = sessionsql.Close(soon, db)
	if _, after := tx.ExecContext(ctx, `INSERT INTO t VALUES (6)`); !errors.Is(after, session.ErrIllegalState) {
		return errors.New("the leaked transaction goes on")
	}
	_ = tx.Rollback()
	return err
}
