package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/reeve-run/reeve"
)

// Bounds of the wait between two tries of the same batch.
const (
	retryMin = 10 * time.Millisecond
	retryMax = time.Second
)

// errStopped answers what is still waiting when the journal stops.
var errStopped = reeve.Errorf(reeve.CodeUnavailable, "the server is stopping")

// lane gathers ops and has one batch at the database at a time.
type lane struct {
	j    *Journal
	room *semaphore.Weighted
	wake chan struct{} // holds one token while pending may have something

	mu      sync.Mutex
	pending []*item
	stopped bool
}

func newLane(j *Journal) *lane {
	return &lane{j: j, room: semaphore.NewWeighted(int64(j.cfg.MaxPending)), wake: make(chan struct{}, 1)}
}

// admit waits for room; what comes after it must be pushed.
func (l *lane) admit(ctx context.Context, it *item) error {
	if l.tryAdmit(it) {
		return nil
	}
	l.j.stats.Waits.Add(1)
	if err := l.room.Acquire(ctx, int64(it.bytes)); err != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (l *lane) tryAdmit(it *item) bool {
	it.bytes = min(it.bytes, l.j.cfg.MaxPending)
	return l.room.TryAcquire(int64(it.bytes))
}

func (l *lane) push(it *item) {
	l.mu.Lock()
	stopped := l.stopped
	if !stopped {
		l.pending = append(l.pending, it)
	}
	l.mu.Unlock()
	if stopped {
		l.finish(it, nil, errStopped)
		return
	}
	l.nudge()
}

// nudge lets the lane look again.
func (l *lane) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) finish(it *item, res *Result, err error) {
	l.room.Release(int64(it.bytes))
	it.answer(res, err)
}

func (l *lane) run(ctx context.Context) {
	defer l.stop()
	for ctx.Err() == nil {
		batch := l.take()
		if len(batch) > 0 {
			l.commit(ctx, batch)
			continue
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
	}
}

func (l *lane) stop() {
	l.mu.Lock()
	l.stopped = true
	left := l.pending
	l.pending = nil
	l.mu.Unlock()
	for _, it := range left {
		l.finish(it, nil, errStopped)
	}
}

// take cuts the next batch off the head of the lane. What an owner has handed in who is gone
// meanwhile is given up: his thread is free, and its next owner does it again.
func (l *lane) take() []*item {
	l.mu.Lock()
	batch := l.cut()
	if len(l.pending) > 0 {
		l.nudge() // nothing of this batch may be left to be committed
	}
	l.mu.Unlock()
	return slices.DeleteFunc(batch, func(it *item) bool {
		gone := it.since.IsZero() && it.ctx.Err() != nil
		if gone {
			l.finish(it, nil, context.Cause(it.ctx))
		}
		return gone
	})
}

func (l *lane) cut() []*item {
	rows, bytes, n := 0, 0, 0
	for n < len(l.pending) {
		it := l.pending[n]
		if n > 0 && (rows+it.rows > l.j.cfg.MaxRows || bytes+it.bytes > l.j.cfg.MaxBytes) {
			break
		}
		rows, bytes, n = rows+it.rows, bytes+it.bytes, n+1
	}
	batch := l.pending[:n:n]
	l.pending = l.pending[n:]
	if len(l.pending) == 0 {
		l.pending = nil
	}
	return batch
}

// putBack returns busy items to the head, in their order.
func (l *lane) putBack(items []*item) {
	l.mu.Lock()
	l.pending = append(items, l.pending...)
	l.mu.Unlock()
	l.nudge()
}

// commit hands the batch in, the same batch, until its outcome is known.
func (l *lane) commit(ctx context.Context, batch []*item) {
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		merged, places := merge(batch)
		results, err := l.j.store.Commit(ctx, merged)
		if err == nil {
			l.settle(batch, merged, places, results)
			return
		}
		if poison, ok := errors.AsType[*PoisonError](err); ok {
			l.halve(ctx, batch, poison)
			return
		}
		l.j.stats.Troubles.Add(1)
		l.j.cfg.Logger.Warn("a commit did not go through; the same batch is tried again", "ops", len(batch), "pause", pause, "err", err)
		if batch = l.drop(ctx, batch, err); len(batch) == 0 {
			return
		}
		l.dropWaiting(ctx, err)
		sleep(ctx, pause)
	}
}

// dropWaiting is drop for what has not come to a batch yet, because the one before it does not go through.
func (l *lane) dropWaiting(ctx context.Context, err error) {
	l.mu.Lock()
	waiting := l.pending
	l.pending = nil
	l.mu.Unlock()
	l.putBack(l.drop(ctx, waiting, err))
}

// drop answers those that wait no longer, and everybody when the journal stops.
func (l *lane) drop(ctx context.Context, batch []*item, err error) []*item {
	keep := batch[:0:0]
	for _, it := range batch {
		switch {
		case ctx.Err() != nil:
			l.finish(it, nil, errStopped)
		case it.impatient():
			l.finish(it, nil, unavailable(err))
		default:
			keep = append(keep, it)
		}
	}
	return keep
}

// halve looks for the guilty op of a poisoned batch.
func (l *lane) halve(ctx context.Context, batch []*item, poison *PoisonError) {
	if len(batch) == 1 {
		l.finish(batch[0], nil, &reeve.Error{Code: reeve.CodeInvalid, Message: poison.Error(), Err: poison})
		return
	}
	half := len(batch) / 2
	l.commit(ctx, batch[:half])
	l.commit(ctx, batch[half:])
}

// settle answers a batch, tells the publisher, and puts back what was busy.
func (l *lane) settle(batch []*item, ops []Op, places []place, results []Result) {
	l.j.stats.count(len(ops), results)
	var busy []*item
	for i, it := range batch {
		res := places[i].cut(results)
		if res.Err != nil && reeve.CodeOf(res.Err) == reeve.CodeBusyRow {
			busy = append(busy, it)
			continue
		}
		l.finish(it, res, nil)
	}
	l.publish(ops, results)
	if len(busy) > 0 {
		l.putBack(busy)
	}
}

func (l *lane) publish(ops []Op, results []Result) {
	runnable := false
	for i := range results {
		if entries := results[i].Entries; len(entries) > 0 {
			if entries[0].Kind == "" {
				entries = nil // a resend knows positions only: followers look for themselves
			}
			l.j.cfg.Publisher.Publish(ops[i].On(), results[i].LastSeq, entries)
		}
		runnable = runnable || results[i].Runnable
	}
	if runnable {
		l.j.cfg.Publisher.Runnable()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
