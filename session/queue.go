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

// queue is who waits for a session of a guard's pool. Nobody is in it while the
// pool has a session free, so it costs nothing then.
type queue struct {
	mu      sync.Mutex
	waiters []*Waiter // the oldest first
	judging bool
	pause   time.Duration
	next    time.Time // no look before
}

// A verdict needs a goroutine profile. So only a wait that has lasted is looked
// into, soon at first and seldom later on, and looks take at most a fiftieth of the
// time, however many goroutines there are.
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
	timer *time.Timer
	scope *scope
	pcs   [64]uintptr
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
	w.timer = time.AfterFunc(g.wait, w.tooLong)
	g.queue.add(g, w)
	return w
}

// Context is the context to wait with.
func (w *Waiter) Context() context.Context { return w.ctx }

// Done says that the wait is over.
func (w *Waiter) Done() {
	w.timer.Stop()
	w.guard.queue.remove(w)
	w.end(nil)
}

func (q *queue) add(g *Guard, w *Waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = append(q.waiters, w)
	if !q.judging {
		q.judging, q.pause = true, firstLook
		time.AfterFunc(q.pause, func() { q.judge(g) })
	}
}

func (q *queue) remove(w *Waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
	}
}

// judge looks for a circle as long as somebody waits.
func (q *queue) judge(g *Guard) {
	guilty := q.look(g)
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiters) == 0 {
		q.judging = false
		return
	}
	q.pause = min(2*q.pause, lastLook)
	if guilty != nil {
		q.pause = firstLook
	}
	time.AfterFunc(q.pause, func() { q.judge(g) })
}

// look ends the wait of the one who is to fail, and returns it; nil when nobody is.
func (q *queue) look(g *Guard) *Waiter {
	waiters, begin := q.snapshot(), time.Now()
	if len(waiters) == 0 || begin.Sub(waiters[0].since) < firstLook || begin.Before(q.next) {
		return nil
	}
	guilty := circle(g, waiters)
	q.next = time.Now().Add(rarity * time.Since(begin))
	if guilty != nil {
		guilty.end(guilty.circleError(waiters))
	}
	return guilty
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
	e := &IllegalStateError{Op: OpBegin.String(), State: state, Rule: rule, Used: []Site{resolve(w.pcs[:])}}
	for _, h := range w.guard.open() {
		e.Held = append(e.Held, h.opened.site())
	}
	if len(e.Held) > 0 {
		e.Opened = e.Held[0]
	}
	return e
}

// open lists the units that hold a session of the guard's pool.
func (g *Guard) open() []*Hold {
	var open []*Hold
	g.tally.each(func(h *Hold) {
		if h.guard.of == g.of && h.state.Load() != waiting {
			open = append(open, h)
		}
	})
	return open
}
