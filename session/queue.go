package session

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// queue is who waits for a session of a pool. Nobody is in it while the pool has a
// session free, so it costs nothing then.
type queue struct {
	mu      sync.Mutex
	waiters []*Waiter // the oldest first
	timer   *time.Timer
	due     time.Time
	pause   time.Duration
	rest    time.Time // no look before
	suspect suspicion // of the last look
}

// A verdict needs a goroutine profile, and two looks that see the same. So only a wait
// that has lasted is looked into, soon at first and seldom later on, and looks take at most
// a fiftieth of the time, however many goroutines there are.
const (
	firstLook = 20 * time.Millisecond
	lastLook  = time.Second
	rarity    = 50
)

// Waiter is somebody who waits for a session of a pool that has none free.
type Waiter struct {
	guard *Guard
	size  int
	since time.Time
	ctx   waitContext
	end   context.CancelCauseFunc
	scope *scope
	pcs   [64]uintptr
	told  bool // that its bound is reached; of the judge alone
}

// waitContext ends with the guard's own error where the guard ended the wait:
// pools return what Err says.
type waitContext struct{ context.Context }

func (c waitContext) Err() error {
	err := c.Context.Err()
	if e, ok := errors.AsType[*IllegalStateError](context.Cause(c.Context)); ok && err != nil {
		return e
	}
	return err
}

// Wait says that the caller is about to wait for a session of a pool of that
// size, which has none free. The wait must use the returned Waiter's Context, and Done must
// be called after it. The wait ends with an *IllegalStateError when everybody who
// holds a session of the pool waits for another one (rule circle; the youngest
// waiter is the one to fail), and when it has lasted too long (rule wait).
func (g *Guard) Wait(ctx context.Context, size int) *Waiter {
	w := &Waiter{guard: g, size: size, since: time.Now(), scope: scopeOf(ctx)}
	runtime.Callers(2, w.pcs[:])
	inner, end := context.WithCancelCause(ctx)
	w.ctx, w.end = waitContext{inner}, end
	g.lot.add(w)
	return w
}

// Context is the context to wait with.
func (w *Waiter) Context() context.Context { return w.ctx }

// Done says that the wait is over.
func (w *Waiter) Done() {
	w.guard.lot.queue.remove(w)
	w.end(nil)
}

// add lets a waiter in. It may be the one that closes a circle, so the next look is soon.
func (l *lot) add(w *Waiter) {
	q := &l.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = append(q.waiters, w)
	q.pause = firstLook
	if q.timer == nil || time.Until(q.due) > firstLook {
		q.schedule(l)
	}
}

func (q *queue) remove(w *Waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
	}
}

// schedule sets the next look: after the pause, or when a wait reaches its bound. The
// caller holds the lock.
func (q *queue) schedule(l *lot) {
	next := q.pause
	for _, w := range q.waiters {
		if !w.told {
			next = min(next, max(w.guard.wait-time.Since(w.since), time.Millisecond))
		}
	}
	q.due = time.Now().Add(next)
	if q.timer == nil {
		q.timer = time.AfterFunc(next, func() { l.judge() })
		return
	}
	q.timer.Reset(next)
}

// judge looks for a circle, and for waits that have lasted too long, as long as
// somebody waits.
func (l *lot) judge() {
	q := &l.queue
	q.endOld()
	again := l.look()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiters) == 0 {
		q.timer = nil
		return
	}
	q.pause = min(2*q.pause, lastLook)
	if again {
		q.pause = firstLook
	}
	q.schedule(l)
}

// endOld ends the waits that have reached their bounds.
func (q *queue) endOld() {
	q.mu.Lock()
	var old []*Waiter
	for _, w := range q.waiters {
		if !w.told && time.Since(w.since) >= w.guard.wait {
			w.told = true
			old = append(old, w)
		}
	}
	q.mu.Unlock()
	for _, w := range old {
		w.tooLong()
	}
}

// look ends the wait of the one who is to fail. It says whether there is more to be
// seen soon.
func (l *lot) look() (again bool) {
	q := &l.queue
	waiters, begin := q.snapshot(), time.Now()
	early := begin.Before(q.rest) && q.suspect.guilty == nil // a suspicion is looked into without a rest
	if len(waiters) == 0 || begin.Sub(waiters[0].since) < firstLook || early {
		return false
	}
	now := l.circle(waiters)
	q.rest = time.Now().Add(rarity * time.Since(begin))
	before := q.suspect
	q.suspect = now
	if now.guilty == nil || !now.confirms(before) {
		return now.guilty != nil
	}
	q.suspect = suspicion{}
	if now.guilty.guard.Refuse(&IllegalStateError{
		Op: OpBegin.String(), State: "waited for in a circle", Rule: RuleCircle, Used: []Site{resolve(now.guilty.pcs[:])},
	}) != nil {
		now.guilty.end(now.guilty.circleError(waiters))
	}
	return true
}

func (q *queue) snapshot() []*Waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.waiters)
}

func (w *Waiter) circleError(waiters []*Waiter) error {
	e := w.refusal(RuleCircle, fmt.Sprintf("waited for while all %d sessions of the pool are held by those who wait for one more", w.size))
	for _, other := range waiters {
		if other != w {
			e.Used = append(e.Used, resolve(other.pcs[:]))
		}
	}
	e.Advice = "use the session that is held already, or give it back before asking for another; " +
		"a bigger pool only makes this rarer"
	return e
}

// tooLong ends a wait at its bound.
func (w *Waiter) tooLong() {
	e := w.refusal(RuleWait, fmt.Sprintf("waited for longer than %s", w.guard.wait))
	e.Cause = context.DeadlineExceeded
	e.Advice = "look at what holds the pool's sessions: it must not wait for anything but its database"
	if w.guard.Refuse(e) != nil {
		w.end(e)
	}
}

func (w *Waiter) refusal(rule Rule, state string) *IllegalStateError {
	e := &IllegalStateError{Op: OpBegin.String(), State: state, Rule: rule, Pool: w.guard.name, Used: []Site{resolve(w.pcs[:])}}
	for _, h := range w.guard.lot.open() {
		e.Held = append(e.Held, h.opened.site())
	}
	if len(e.Held) > 0 {
		e.Opened = e.Held[0]
	}
	return e
}
