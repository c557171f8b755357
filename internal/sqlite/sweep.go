package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"
)

const (
	discarded  = `INSERT INTO chaff (thread, below) VALUES (?, ?) ON CONFLICT (thread) DO UPDATE SET below = max(below, excluded.below)`
	firstChaff = `SELECT c.thread, c.below, t.k IS NULL FROM chaff c LEFT JOIN threads t ON t.k = c.thread ORDER BY c.thread LIMIT 1`
	sweepLog   = `DELETE FROM log WHERE rowid IN (SELECT rowid FROM log WHERE thread = ? AND seq < ? ORDER BY seq LIMIT ?)`
	sweepRuns  = `DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE thread = ? AND n < ? ORDER BY n LIMIT ?)`
	dropChaff  = `DELETE FROM chaff WHERE thread = ?`
)

const (
	sweepRows = 100                   // in one statement
	sweepFor  = 20 * time.Millisecond // in one unit: a thread of a million entries must not keep the writer
)

// discard notes that the thread's entries below the position are to be swept. Nobody
// can see them once the unit has set the thread's first position, or deleted its row.
func (b *batch) discard(k, below int64) error {
	_, err := b.tx.ExecContext(b.ctx, discarded, k, below)
	return err
}

// sweepSoon deletes what was discarded. What it does not come to is no harm: it cannot
// be seen, and the next sweep finds it.
func (s *Store) sweepSoon(ctx context.Context) {
	for more := true; more; {
		err := s.inBatch(ctx, "sweep", func(b *batch) (err error) {
			more, err = b.sweep()
			return err
		})
		if err != nil {
			s.log.Warn("discarded entries stay in the file until the next prune", "err", err)
			return
		}
	}
}

// sweep deletes for a moment, and says whether there is more.
func (b *batch) sweep() (more bool, err error) {
	for end := time.Now().Add(sweepFor); time.Now().Before(end); {
		var k, below int64
		var gone bool
		err := b.tx.QueryRowContext(b.ctx, firstChaff).Scan(&k, &below, &gone)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err := b.sweepThread(k, below, gone); err != nil {
			return false, err
		}
	}
	return true, nil
}

// sweepThread deletes some rows of one thread, and its mark when there are no more.
func (b *batch) sweepThread(k, below int64, gone bool) error {
	left, err := b.sweepSome(sweepLog, k, below)
	if err != nil || left {
		return err
	}
	if gone {
		if left, err = b.sweepSome(sweepRuns, k, math.MaxInt64); err != nil || left {
			return err
		}
	}
	_, err = b.tx.ExecContext(b.ctx, dropChaff, k)
	return err
}

func (b *batch) sweepSome(text string, k, below int64) (left bool, err error) {
	res, err := b.tx.ExecContext(b.ctx, text, k, below, sweepRows)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == sweepRows, err
}
