package supervisor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lease says how long the node may trust its claims. No wall clock decides: ages are
// measured on the monotonic clock, from before the beat was sent.
type lease struct {
	bound time.Duration
	base  time.Time
	last  atomic.Int64 // the last good beat, in nanoseconds after base

	mu      sync.Mutex
	renewed chan struct{} // closed by the next good beat
}

// newLease makes a lease that is not good before the first beat.
func newLease(bound time.Duration) *lease {
	l := &lease{bound: bound, base: time.Now(), renewed: make(chan struct{})}
	l.last.Store(-int64(bound))
	return l
}

// renew notes a beat that was sent at the time and went through.
func (l *lease) renew(at time.Time) {
	l.last.Store(int64(at.Sub(l.base)))
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.renewed)
	l.renewed = make(chan struct{})
}

// age is the time since the last good beat.
func (l *lease) age() time.Duration { return time.Since(l.base) - time.Duration(l.last.Load()) }

func (l *lease) good() bool { return l.age() < l.bound }

// wait returns at once while the lease is good, else when it is again or ctx has ended.
func (l *lease) wait(ctx context.Context) error {
	for !l.good() {
		l.mu.Lock()
		renewed := l.renewed
		l.mu.Unlock()
		if l.good() { // renewed before its channel was read
			return nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
