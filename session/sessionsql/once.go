package sessionsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve/session"
)

// Dialect is a database's own way to write what Once needs.
type Dialect int

// The dialects. The zero value stands for "find out from the driver".
const (
	DialectUnknown Dialect = iota
	SQLite
	PostgreSQL
)

// onceTable is the small table in the author's database.
type onceTable struct {
	dialect Dialect
	ready   atomic.Bool
}

// onceSQL is what Once says to a database. The claim comes before the work: on
// PostgreSQL a second caller with the key waits there until the first has
// committed, and then finds its result.
type onceSQL struct{ lock, create, claim, store, load, prune string }

// onceCheck fails where the table is another one.
const onceCheck = `SELECT key, result, at FROM reeve_once LIMIT 0`

var onceDialects = map[Dialect]onceSQL{
	SQLite: {
		create: `CREATE TABLE IF NOT EXISTS reeve_once (
			key TEXT PRIMARY KEY, result BLOB, at INTEGER NOT NULL) WITHOUT ROWID`,
		claim: `INSERT INTO reeve_once (key, at) VALUES (?, CAST(strftime('%s', 'now') AS INTEGER)) ON CONFLICT (key) DO NOTHING`,
		store: `UPDATE reeve_once SET result = ? WHERE key = ?`,
		load:  `SELECT result FROM reeve_once WHERE key = ?`,
		prune: `DELETE FROM reeve_once WHERE at < CAST(strftime('%s', 'now') AS INTEGER) - ?`,
	},
	PostgreSQL: {
		lock: `SELECT pg_advisory_xact_lock(hashtext('reeve_once'))`, // IF NOT EXISTS alone fails when two create at once
		create: `CREATE TABLE IF NOT EXISTS reeve_once (
			key text PRIMARY KEY, result bytea, at timestamptz NOT NULL DEFAULT now())`,
		claim: `INSERT INTO reeve_once (key) VALUES ($1) ON CONFLICT (key) DO NOTHING`,
		store: `UPDATE reeve_once SET result = $1 WHERE key = $2`,
		load:  `SELECT result FROM reeve_once WHERE key = $1`,
		prune: `DELETE FROM reeve_once WHERE at < now() - $1 * interval '1 second'`,
	},
}

// Once implements session.Pool. The table reeve_once (key, result, at) is
// created at the first use.
func (p *pool) Once(ctx context.Context, key string, fn func(context.Context, *Tx) ([]byte, error)) ([]byte, error) {
	if key == "" {
		return nil, errors.New("once: the key is empty: give each piece of work a key of its own")
	}
	q, err := p.onceReady(ctx)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		result, ran, err := p.onceIn(ctx, q, key, fn)
		if err == nil {
			return result, nil
		}
		if ran || try == onceTries || !serialization(err) {
			return nil, err
		}
	}
}

// onceTries is how often a unit begins anew that has lost the claim before fn ran:
// above read committed, PostgreSQL refuses a second claim instead of letting it find the first.
const onceTries = 5

func serialization(err error) bool {
	var s interface{ SQLState() string }
	return errors.As(err, &s) && s.SQLState() == "40001"
}

// onceIn runs fn in one unit, unless the key is there. It says whether fn has run.
func (p *pool) onceIn(ctx context.Context, q onceSQL, key string, fn func(context.Context, *Tx) ([]byte, error)) (result []byte, ran bool, err error) {
	err = p.Do(ctx, func(ctx context.Context, tx *Tx) error {
		var err error
		result, err = claim(ctx, tx, q, key, func(ctx context.Context, tx *Tx) ([]byte, error) {
			ran = true
			return fn(ctx, tx)
		})
		return err
	})
	return result, ran, err
}

func claim(ctx context.Context, tx *Tx, q onceSQL, key string, fn func(context.Context, *Tx) ([]byte, error)) ([]byte, error) {
	res, err := tx.ExecContext(ctx, q.claim, key)
	if err != nil {
		return nil, fmt.Errorf("claim key %q in reeve_once: %w", key, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return stored(ctx, tx, q, key)
	}
	result, err := fn(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, q.store, result, key); err != nil {
		return nil, fmt.Errorf("store result of key %q in reeve_once: %w", key, err)
	}
	return result, nil
}

func stored(ctx context.Context, tx *Tx, q onceSQL, key string) ([]byte, error) {
	var result []byte
	if err := tx.QueryRowContext(ctx, q.load, key).Scan(&result); err != nil {
		return nil, fmt.Errorf("read result of key %q in reeve_once: %w", key, err)
	}
	return result, nil
}

// onceReady creates the table at the first use of the pool.
func (p *pool) onceReady(ctx context.Context) (onceSQL, error) {
	d := p.once.dialect
	if d == DialectUnknown {
		d = p.source.dialect
	}
	q, ok := onceDialects[d]
	if !ok {
		return q, fmt.Errorf("once: driver %T is neither SQLite nor PostgreSQL as far as can be told: say which by WithDialect", p.db.Driver())
	}
	if p.once.ready.Load() {
		return q, nil
	}
	err := p.say(ctx, onceCheck) // a role that may not create need not
	if err != nil && !errors.Is(err, session.ErrIllegalState) && ctx.Err() == nil {
		err = p.say(ctx, q.lock, q.create, onceCheck)
	}
	if errors.Is(err, session.ErrIllegalState) {
		return q, err
	}
	if err != nil {
		return q, fmt.Errorf("make or check table reeve_once (where the role may not create it, do so beforehand: %s): %w", strings.Join(strings.Fields(q.create), " "), err)
	}
	p.once.ready.Store(true)
	return q, nil
}

// say runs statements in a unit of their own.
func (p *pool) say(ctx context.Context, statements ...string) error {
	return p.unit(ctx, nil, func(ctx context.Context, tx *Tx) error {
		for _, s := range statements {
			if s == "" {
				continue
			}
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func dialectOf(driver string) Dialect {
	switch {
	case strings.Contains(driver, "sqlite"):
		return SQLite
	case driver == "stdlib", driver == "pq", strings.Contains(driver, "postgres"):
		return PostgreSQL
	}
	return DialectUnknown
}

// PruneOnce deletes the results that were stored longer than age ago, and says
// how many. A key that is pruned is new again: choose an age beyond any retry.
func PruneOnce(ctx context.Context, db *sql.DB, age time.Duration, opts ...Option) (int64, error) {
	p := newPool(db, opts)
	q, err := p.onceReady(ctx)
	if err != nil {
		return 0, err
	}
	var n int64
	err = p.Do(ctx, func(ctx context.Context, tx *Tx) error {
		res, err := tx.ExecContext(ctx, q.prune, int64(age/time.Second))
		if err != nil {
			return fmt.Errorf("prune reeve_once: %w", err)
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

var _ session.Pool[*Tx] = (*pool)(nil)
