package catalogue_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
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
	only    string // the one system that has it
	bare    func(context.Context, *sql.DB) error
	guarded func(context.Context, *sql.DB) error
}

const lockRow = "a lock left on the connection"

var catalogueSQL = []misuseSQL{
	{name: "use after the end", rule: session.RuleEnded, bare: afterSQL, guarded: afterDo},
	{name: "a raw connection used after its release", rule: session.RuleEnded, bare: keptSQL, guarded: keptSQL},
	{name: "two use one transaction at once", rule: session.RuleOverlap, bare: sharedSQL, guarded: sharedDo},
	{name: "close while rows are open", rule: session.RuleRows, bare: closeSQL, guarded: closeDo},
	{name: "close while a transaction is open", rule: session.RuleDirty, bare: closeTxSQL, guarded: closeTxDo},
	{name: "commit while rows are open", rule: session.RuleRows, bare: commitSQL, guarded: commitSQL},
	{name: "never closed", rule: session.RuleWait, bare: neverClosedSQL, guarded: neverClosedSQL},
	{name: "a second connection while one is held", rule: session.RuleNested, bare: secondSQL, guarded: secondDo},
	{name: "the same, with the context lost", rule: session.RuleCircle, bare: secondLostSQL, guarded: secondLostDo},
	{name: "the pool used inside a transaction", rule: session.RuleNested, bare: outerSQL, guarded: outerDo},
	{name: "a query in the loop over rows", rule: session.RuleCircle, bare: loopSQL, guarded: loopSQL},
	{name: "a pool's statement inside a transaction", rule: session.RuleNested, bare: stmtSQL, guarded: stmtDo},
	{name: "cancelled, then used", rule: session.RuleEnded, bare: cancelledSQL, guarded: cancelledDo},
	{name: "idle in a transaction", rule: session.RuleEnded, bare: idleSQL, guarded: idleSQL},
	{name: lockRow, rule: session.RuleDirty, only: "PostgreSQL", bare: lockSQL, guarded: lockDo},
	{name: "a transaction left on the connection", rule: session.RuleDirty, bare: leftSQL, guarded: leftDo},
	{name: "a row never scanned", rule: session.RuleRows, bare: rowSQL, guarded: rowDo},
	{name: "a handle leaked, then the pool closed", rule: session.RuleLeak, bare: leakedSQL, guarded: leakedClose},
}

func trySQL(t *testing.T, s seen) {
	for _, system := range []string{"SQLite", "PostgreSQL"} {
		for _, m := range catalogueSQL {
			if m.only != "" && m.only != system {
				continue
			}
			t.Run(system+"/"+m.name, func(t *testing.T) {
				driver, dsn := dsnSQL(t, system)
				bare := bareSQL(t, driver, dsn)
				s.report(m.name, system, try(t, func(ctx context.Context) error { return m.bare(ctx, bare) }))
				refused(t, m.rule, func() world { return guardedSQL(t, driver, dsn, m.guarded) })
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

// keptSQL keeps the driver's connection beyond its release.
func keptSQL(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	var kept driver.ExecerContext
	err = conn.Raw(func(c any) error {
		kept, _ = c.(driver.ExecerContext)
		return nil
	})
	if err := errors.Join(err, conn.Close()); err != nil {
		return err
	}
	_, err = kept.ExecContext(ctx, `INSERT INTO t VALUES (6)`, nil)
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

func closeTxSQL(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.BeginTx(ctx, nil); err != nil {
		return err
	}
	return conn.Close()
}

func closeTxDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.DoConn(ctx, db, func(ctx context.Context, c *sessionsql.Conn) error {
		if _, err := c.ExecContext(ctx, `BEGIN`); err != nil {
			return err
		}
		_, err := c.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
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

// loopSQL asks the pool for a connection while its rows hold one.
func loopSQL(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT n FROM t`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := db.ExecContext(ctx, `INSERT INTO t VALUES (6)`); err != nil {
			return err
		}
	}
	return rows.Err()
}

// stmtSQL runs a statement that was prepared on the pool, which then takes a
// connection of its own.
func stmtSQL(ctx context.Context, db *sql.DB) error {
	stmt, err := db.PrepareContext(ctx, `INSERT INTO t VALUES (6)`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = stmt.ExecContext(ctx)
	return err
}

func stmtDo(ctx context.Context, db *sql.DB) error {
	stmt, err := db.PrepareContext(ctx, `INSERT INTO t VALUES (6)`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	return sessionsql.Do(ctx, db, func(ctx context.Context, _ *sessionsql.Tx) error {
		_, err := stmt.ExecContext(ctx)
		return err
	})
}

func lockSQL(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `SELECT pg_advisory_lock(1)`)
	return err
}

func lockDo(ctx context.Context, db *sql.DB) error {
	return sessionsql.DoConn(ctx, db, func(ctx context.Context, c *sessionsql.Conn) error {
		_, err := c.ExecContext(ctx, `SELECT pg_advisory_lock(2)`) // the bare pool has left the first locked
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
