package sessionpgx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
)

// The small table of Once, the same as that of sessionsql. The claim comes before the
// work: a second caller with the key waits there until the first has committed, and then
// finds its result.
const (
	onceLock   = `SELECT pg_advisory_xact_lock(hashtext('reeve_once'))` // IF NOT EXISTS alone fails when two create at once
	onceCreate = `CREATE TABLE IF NOT EXISTS reeve_once (key text PRIMARY KEY, result bytea, at timestamptz NOT NULL DEFAULT now())`
	onceCheck  = `SELECT key, result, at FROM reeve_once LIMIT 0`
	onceClaim  = `INSERT INTO reeve_once (key) VALUES ($1) ON CONFLICT (key) DO NOTHING`
	onceStore  = `UPDATE reeve_once SET result = $1 WHERE key = $2`
	onceLoad   = `SELECT result FROM reeve_once WHERE key = $1`
	oncePrune  = `DELETE FROM reeve_once WHERE at < now() - $1 * interval '1 second'`
)

// Once implements session.Pool. The table reeve_once (key, result, at) is
// created at the first use.
func (p *pool) Once(ctx context.Context, key string, fn func(context.Context, pgx.Tx) ([]byte, error)) ([]byte, error) {
	if key == "" {
		return nil, errors.New("once: the key is empty: give each piece of work a key of its own")
	}
	if err := p.onceReady(ctx); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		result, ran, err := p.onceIn(ctx, key, fn)
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
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "40001"
}

// onceIn runs fn in one unit, unless the key is there. It says whether fn has run.
func (p *pool) onceIn(ctx context.Context, key string, fn func(context.Context, pgx.Tx) ([]byte, error)) (result []byte, ran bool, err error) {
	err = p.Do(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		result, err = claim(ctx, tx, key, func(ctx context.Context, tx pgx.Tx) ([]byte, error) {
			ran = true
			return fn(ctx, tx)
		})
		return err
	})
	return result, ran, err
}

func claim(ctx context.Context, tx pgx.Tx, key string, fn func(context.Context, pgx.Tx) ([]byte, error)) ([]byte, error) {
	tag, err := tx.Exec(ctx, onceClaim, key)
	if err != nil {
		return nil, fmt.Errorf("claim key %q in reeve_once: %w", key, err)
	}
	if tag.RowsAffected() == 0 {
		return stored(ctx, tx, key)
	}
	result, err := fn(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, onceStore, result, key); err != nil {
		return nil, fmt.Errorf("store result of key %q in reeve_once: %w", key, err)
	}
	return result, nil
}

func stored(ctx context.Context, tx pgx.Tx, key string) ([]byte, error) {
	var result []byte
	if err := tx.QueryRow(ctx, onceLoad, key).Scan(&result); err != nil {
		return nil, fmt.Errorf("read result of key %q in reeve_once: %w", key, err)
	}
	return result, nil
}

// onceReady creates the table at the first use of the pool, or sees that it is the right one.
func (p *pool) onceReady(ctx context.Context) error {
	if p.ready.Load() {
		return nil
	}
	err := p.say(ctx, onceCheck) // a role that may not create need not
	if err != nil && !errors.Is(err, session.ErrIllegalState) && ctx.Err() == nil {
		err = p.say(ctx, onceLock, onceCreate, onceCheck)
	}
	if errors.Is(err, session.ErrIllegalState) {
		return err
	}
	if err != nil {
		return fmt.Errorf("make or check table reeve_once (where the role may not create it, do so beforehand: %s): %w", onceCreate, err)
	}
	p.ready.Store(true)
	return nil
}

// say runs statements in a unit of their own.
func (p *pool) say(ctx context.Context, statements ...string) error {
	plain := pool{source: p.source, pool: p.pool, guard: p.guard}
	return plain.Do(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// PruneOnce deletes the results that were stored longer than age ago, and says
// how many. A key that is pruned is new again: choose an age beyond any retry.
func PruneOnce(ctx context.Context, p *pgxpool.Pool, age time.Duration) (int64, error) {
	q := newPool(p, nil)
	if err := q.onceReady(ctx); err != nil {
		return 0, err
	}
	var n int64
	err := q.Do(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, oncePrune, age.Seconds())
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune reeve_once: %w", err)
	}
	return n, nil
}
