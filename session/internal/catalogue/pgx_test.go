package catalogue_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
)

// misusePgx is a misuse of pgx, and what the guard has to say about it.
type misusePgx struct {
	name    string
	rule    session.Rule
	bare    func(context.Context, *pgxpool.Pool) error
	guarded func(context.Context, *pgxpool.Pool) error
}

var cataloguePgx = []misusePgx{
	{"use after the end", session.RuleEnded, afterPgx, afterPgxDo},
	{"a raw connection used after its release", session.RuleEnded, rawPgx, rawPgx},
	{"two use one transaction at once", session.RuleOverlap, sharedPgx, sharedPgxDo},
	{"close while rows are open", session.RuleRows, closePgx, closePgxDo},
	{"commit while rows are open", session.RuleRows, commitPgx, commitPgxDo},
	{"never closed", session.RuleWait, neverClosedPgx, neverClosedPgx},
	{"a second connection while one is held", session.RuleNested, secondPgx, secondPgxDo},
	{"the same, with the context lost", session.RuleCircle, secondLostPgx, secondLostPgxDo},
	{"the pool used inside a transaction", session.RuleNested, secondPgx, outerPgxDo},
	{"a query in the loop over rows", session.RuleCircle, loopPgx, loopPgx},
	{"cancelled, then used", session.RuleEnded, cancelledPgx, cancelledPgxDo},
	{"idle in a transaction", session.RuleEnded, idlePgx, idlePgx},
	{lockRow, session.RuleDirty, leftPgx, leftPgxDo},
	{"a setting left on the connection", session.RuleDirty, settingPgx, settingPgxDo},
	{"a row never scanned", session.RuleRows, rowPgx, rowPgxDo},
	{"a handle leaked, then the pool closed", session.RuleLeak, leakedPgx, leakedPgxClose},
}

func tryPgx(t *testing.T, s seen) {
	for _, m := range cataloguePgx {
		t.Run(m.name, func(t *testing.T) {
			dsn := pgtest.Database(t)
			bare := barePgx(t, dsn)
			s.report(m.name, "pgx", try(t, func(ctx context.Context) error { return m.bare(ctx, bare) }))
			refused(t, m.rule, func() world { return guardedPgx(t, dsn, m.guarded) })
		})
	}
}

func insert(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func nothing(context.Context, pgx.Tx) error { return nil }

// afterPgx uses a *pgxpool.Conn, which is what panics.
func afterPgx(ctx context.Context, p *pgxpool.Pool) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	c.Release()
	_, err = c.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func afterPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	var kept *sessionpgx.Conn
	if err := sessionpgx.DoConn(ctx, p, func(_ context.Context, c *sessionpgx.Conn) error {
		kept = c
		return nil
	}); err != nil {
		return err
	}
	_, err := kept.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func rawPgx(ctx context.Context, p *pgxpool.Pool) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	kept := c.Conn()
	c.Release()
	_, err = kept.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func sharedPgx(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	return errors.Join(share(ctx, tx), tx.Rollback(ctx))
}

// share lets a second goroutine at the transaction until the two have met.
func share(ctx context.Context, tx pgx.Tx) error {
	first := make(chan error, 1)
	go func() {
		_, err := tx.Exec(ctx, `SELECT pg_sleep(0.3)`)
		first <- err
	}()
	for {
		_, second := tx.Exec(ctx, `SELECT 1`)
		select {
		case err := <-first:
			return errors.Join(err, second)
		default:
			if second != nil {
				return errors.Join(second, <-first)
			}
		}
	}
}

func sharedPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Pool(p, sessionpgx.WithName("shared")).Do(ctx, share)
}

func closePgx(ctx context.Context, p *pgxpool.Pool) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	_, err = c.Query(ctx, `SELECT n FROM t`)
	return err
}

func closePgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.DoConn(ctx, p, func(ctx context.Context, c *sessionpgx.Conn) error {
		_, err := c.Query(ctx, `SELECT n FROM t`)
		return err
	})
}

func commitPgx(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT n FROM t`)
	if err != nil {
		return err
	}
	rows.Next()
	return tx.Commit(ctx)
}

func commitPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT n FROM t`)
		rows.Next()
		return err
	})
}

func neverClosedPgx(ctx context.Context, p *pgxpool.Pool) error {
	lost := make(chan pgx.Rows, 1)
	go func() {
		rows, _ := p.Query(ctx, `SELECT n FROM t`)
		lost <- rows
	}()
	defer (<-lost).Close() // the pool could not be closed otherwise
	_, err := p.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func secondPgx(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = p.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func secondPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Do(ctx, p, func(ctx context.Context, _ pgx.Tx) error {
		return sessionpgx.Do(ctx, p, nothing)
	})
}

func secondLostPgx(ctx context.Context, p *pgxpool.Pool) error { return secondPgx(ctx, p) }

func secondLostPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Do(ctx, p, func(context.Context, pgx.Tx) error {
		return sessionpgx.Do(ctx, p, nothing)
	})
}

func outerPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Do(ctx, p, func(ctx context.Context, _ pgx.Tx) error {
		_, err := p.Exec(ctx, `INSERT INTO t VALUES (6)`)
		return err
	})
}

// loopPgx asks the pool for a connection while its rows hold one.
func loopPgx(ctx context.Context, p *pgxpool.Pool) error {
	rows, err := p.Query(ctx, `SELECT n FROM t`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := p.Exec(ctx, `INSERT INTO t VALUES (6)`); err != nil {
			return err
		}
	}
	return rows.Err()
}

func settingPgx(ctx context.Context, p *pgxpool.Pool) error {
	_, err := p.Exec(ctx, `SET search_path = nowhere`)
	return err
}

func settingPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.DoConn(ctx, p, func(ctx context.Context, c *sessionpgx.Conn) error {
		_, err := c.Exec(ctx, `SET search_path = nowhere`)
		return err
	})
}

func cancelledPgx(ctx context.Context, p *pgxpool.Pool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	cancel()
	return insert(ctx, tx)
}

func cancelledPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		cancel()
		return insert(ctx, tx)
	})
	if !errors.Is(err, context.Canceled) {
		return errors.New("does not match context.Canceled")
	}
	return err
}

func idlePgx(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	sleep(ctx, 3*limit) // a model is asked
	return insert(ctx, tx)
}

func leftPgx(ctx context.Context, p *pgxpool.Pool) error {
	_, err := p.Exec(ctx, `SELECT pg_advisory_lock(1)`)
	return err
}

func leftPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.DoConn(ctx, p, func(ctx context.Context, c *sessionpgx.Conn) error {
		_, err := c.Exec(ctx, `SELECT pg_advisory_lock(2)`) // the bare pool has left the first locked
		return err
	})
}

func rowPgx(ctx context.Context, p *pgxpool.Pool) error {
	row := p.QueryRow(ctx, `SELECT n FROM t`)
	defer func() { _ = row.Scan(new(int)) }() // the pool could not be closed otherwise
	_, err := p.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func rowPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		tx.QueryRow(ctx, `SELECT n FROM t`)
		return nil
	})
}

func leakedPgx(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = tx.Rollback(context.WithoutCancel(ctx)) })
	p.Close()
	return nil
}

func leakedPgxClose(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	soon, cancel := context.WithTimeout(ctx, limit/5)
	defer cancel()
	return sessionpgx.Close(soon, p)
}
