package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/reeve-run/reeve"
)

// Prune removes old ended runs from the fronts of threads, whole. It does so in units
// of some threads each, so that writers never wait for long.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit < 1 {
		return 0, reeve.Errorf(reeve.CodeInvalid, "limit %d: want 1 or more", limit)
	}
	p := pruning{before: before.UnixMicro(), limit: limit}
	for !p.done {
		next := p
		err := s.inBatch(ctx, "prune", func(b *batch) error {
			next.batch = b
			return next.some()
		})
		if err != nil {
			return p.pruned, err
		}
		p = next
	}
	s.sweepSoon(ctx)
	return p.pruned, nil
}

// place is a place in the index of the threads that may be pruned.
type place struct{ pruneAt, k int64 }

// pruning is one Prune under way. A thread whose front cannot go yet, because a later
// run began before it ended, stays in the index. So that many of those do not hide the
// rest, each Prune begins where the one before reached its limit, and goes round once.
type pruning struct {
	*batch
	before  int64
	limit   int
	looked  int
	pruned  int
	begun   bool
	partial bool // it began in the midst
	done    bool
}

const (
	prunable = `SELECT id, prune_at, k FROM threads WHERE prune_at > 0 AND prune_at < ? AND (prune_at, k) > (?, ?)
		ORDER BY prune_at, k LIMIT ?`
	frontRuns = `SELECT n, status, finished_at, first_seq, last_seq, key FROM runs WHERE thread = ? AND n >= ? ORDER BY n LIMIT ?`
)

// prunePage is how many threads one unit looks at.
const prunePage = 20

// some looks at a page of threads.
func (p *pruning) some() error {
	if !p.begun {
		p.begun, p.partial = true, p.pruneFrom != place{}
	}
	ids, places, err := p.page(p.pruneFrom)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if p.looked >= p.limit {
			break
		}
		p.pruneFrom = places[i]
		t, err := p.thread(id)
		if err != nil {
			return err
		}
		if err := p.front(t); err != nil {
			return err
		}
	}
	p.turnRound(len(ids))
	return nil
}

// turnRound ends the look at the limit, or at the end of the index for the last time.
func (p *pruning) turnRound(found int) {
	switch {
	case p.looked >= p.limit:
		p.done = true
	case found == 0:
		p.pruneFrom = place{}
		p.done = !p.partial
		p.partial = false
	}
}

func (p *pruning) page(after place) (ids []reeve.ThreadID, places []place, err error) {
	rows, err := p.tx.QueryContext(p.ctx, prunable, p.before, after.pruneAt, after.k, prunePage)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id reeve.ThreadID
		var at place
		if err := rows.Scan(&id, &at.pruneAt, &at.k); err != nil {
			return nil, nil, err
		}
		ids, places = append(ids, id), append(places, at)
	}
	return ids, places, rows.Err()
}

// frontRun is what pruning must know of a run.
type frontRun struct {
	n, finishedAt, firstSeq, lastSeq int64
	status                           status
	key                              string
}

// front removes what can go from one thread's front.
func (p *pruning) front(t *thread) error {
	runs, err := p.frontRuns(t)
	if err != nil {
		return err
	}
	gone := p.whole(runs)
	p.looked += max(gone, 1)
	if gone == 0 {
		return nil
	}
	p.pruned += gone
	return p.cut(t, runs[:gone], runs[gone:])
}

// frontRuns reads as many runs as may go, and the one after them.
func (p *pruning) frontRuns(t *thread) ([]frontRun, error) {
	rows, err := p.tx.QueryContext(p.ctx, frontRuns, t.k, t.front, p.limit-p.looked+1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err below tells
	var runs []frontRun
	for rows.Next() {
		var r frontRun
		if err := rows.Scan(&r.n, &r.status, &r.finishedAt, &r.firstSeq, &r.lastSeq, &r.key); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, rows.Err()
}

// whole is how many runs can go: old and ended, and none of their entries behind the
// first entry of one that stays.
func (p *pruning) whole(runs []frontRun) int {
	whole, last := 0, int64(0)
	for i, r := range runs[:min(len(runs), p.limit-p.looked)] {
		if !r.status.ended() || r.finishedAt >= p.before {
			break
		}
		last = max(last, r.lastSeq)
		if i+1 == len(runs) || last < runs[i+1].firstSeq {
			whole = i + 1
		}
	}
	return whole
}

func (p *pruning) cut(t *thread, gone, kept []frontRun) error {
	t.front, t.pruneAt, t.firstSeq = t.runs+1, 0, t.lastSeq+1
	if len(kept) > 0 {
		t.front, t.pruneAt, t.firstSeq = kept[0].n, kept[0].finishedAt, kept[0].firstSeq
	}
	p.soil(t, soiled)
	if err := p.discard(t.k, t.firstSeq); err != nil {
		return err
	}
	if _, err := p.tx.ExecContext(p.ctx, `DELETE FROM runs WHERE thread = ? AND n < ?`, t.k, t.front); err != nil {
		return err
	}
	return p.forgetKeysAndAsks(t, gone)
}

func (p *pruning) forgetKeysAndAsks(t *thread, gone []frontRun) error {
	for _, r := range gone {
		if r.key != "" {
			if _, err := p.tx.ExecContext(p.ctx, `DELETE FROM keys WHERE thread = ? AND key = ?`, t.k, r.key); err != nil {
				return err
			}
		}
	}
	if t.asks == 0 {
		return nil
	}
	res, err := p.tx.ExecContext(p.ctx, `DELETE FROM asks WHERE thread = ? AND run < ?`, t.k, t.front)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	t.asks -= n
	return err
}
