package sessionpgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// acquiring marks the context of an Acquire, and of what the pool does inside it.
type acquiring struct {
	context.Context
	w      *watcher
	hold   *session.Hold
	fresh  bool
	waiter *session.Waiter
}

type acquiringKey struct{}

func (a *acquiring) Value(key any) any {
	if _, ok := key.(acquiringKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// TraceAcquireStart implements pgxpool.AcquireTracer. Where the pool has no
// connection free, the wait is the guard's to end; Do has seen to its own.
func (t *tracer) TraceAcquireStart(ctx context.Context, p *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	w := t.of(p)
	hold, fresh, err := w.guard.Admit(ctx)
	if err != nil {
		return refusedContext{ctx, err}
	}
	a := &acquiring{Context: ctx, w: w, hold: hold, fresh: fresh}
	if asking := w.asking.Add(1); fresh && w.held.Load()+asking > w.size {
		a.waiter = w.guard.Wait(ctx, int(w.size))
		a.Context = a.waiter.Context()
	}
	return a
}

// TraceAcquireEnd implements pgxpool.AcquireTracer.
func (*tracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	a, ok := ctx.(*acquiring)
	if !ok {
		return // it was refused
	}
	if a.waiter != nil {
		a.waiter.Done()
	}
	if data.Conn != nil {
		a.w.held.Add(1)
		acquired(a, data.Conn)
	}
	a.w.asking.Add(-1)
}

func acquired(a *acquiring, c *pgx.Conn) {
	s := stateOf(c)
	if s == nil {
		s = newState(c)
	}
	s.w, s.left, s.inTx, s.mine = a.w, leftover.Notes{}, false, a.fresh
	s.lent.Store(false)
	s.hijacked.Store(false)
	s.listens.Store(false)
	if a.fresh {
		a.hold.Start(s, s.take)
	}
	s.hold.Store(a.hold)
}

// TraceRelease implements pgxpool.ReleaseTracer. A connection that something is
// left on is closed, so that the pool destroys it.
func (*tracer) TraceRelease(_ *pgxpool.Pool, data pgxpool.TraceReleaseData) {
	s := stateOf(data.Conn)
	if s == nil {
		return
	}
	hold := s.hold.Swap(nil)
	if hold == nil {
		return // it was not acquired through Acquire
	}
	s.w.held.Add(-1)
	if !s.mine {
		return // Do has looked at it
	}
	if what := leftBehind(&s.left, data.Conn); what != "" {
		if err := hold.RefuseDirty(what); err != nil {
			s.w.guard.Report(err)
			closeNow(data.Conn)
		}
	}
	if !hold.End(session.Released, nil) {
		closeNow(data.Conn) // its socket was taken away, which pgx need not have noticed
		hold.Returned()
	}
}
