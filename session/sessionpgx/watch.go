package sessionpgx

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// Watch puts the guard under the pool that is made of cfg, without touching those
// who use it: who holds a connection is listed with the line and ages, a wait has a
// bound, a circle of those who hold and wait is found, what is left on a connection
// is noticed, and a *pgx.Conn that is used after its release is refused. A
// tracer that cfg has stays in place. Call it last, before pgxpool.NewWithConfig.
func Watch(cfg *pgxpool.Config, opts ...Option) {
	w := &watcher{size: int64(cfg.MaxConns)}
	w.guard = configOf(opts).newGuard(w)
	if theirs := cfg.ConnConfig.Tracer; theirs != nil {
		cfg.ConnConfig.Tracer = both{multitracer.New(theirs, w), w} // ours last: it may refuse
	} else {
		cfg.ConnConfig.Tracer = w
	}
	if after := cfg.AfterRelease; after != nil {
		cfg.AfterRelease = func(c *pgx.Conn) bool {
			if s := stateOf(c); s != nil {
				s.hook.Store(true)
				defer s.hook.Store(false)
			}
			return after(c)
		}
	}
}

// both is the tracer of a pool that had one already.
type both struct {
	*multitracer.Tracer
	w *watcher
}

// watch is how Do finds the guard of a pool.
func (b both) watch() *watcher     { return b.w }
func (w *watcher) watch() *watcher { return w }

// watcher sees a pool through its tracer.
type watcher struct {
	guard  *session.Guard
	size   int64
	pool   atomic.Pointer[pgxpool.Pool]
	held   atomic.Int64 // connections that were acquired and not released
	asking atomic.Int64 // callers inside Acquire
}

// state is what is known of a connection. The map it lives in belongs to the
// connection and is written once, before anybody but the pool knows it.
type state struct {
	hold atomic.Pointer[session.Hold] // who holds it; nil in the pool
	mine bool                         // the hold is of Watch, not of Do
	hook atomic.Bool                  // AfterRelease has it
	lent atomic.Bool                  // the unit of Do has handed it out
	left leftover.Notes
}

const stateKey = "github.com/reeve-run/reeve/session/sessionpgx"

func stateOf(c *pgx.Conn) *state {
	s, _ := c.PgConn().CustomData()[stateKey].(*state)
	return s
}

// acquiring marks the context of an Acquire, and of what the pool does inside it.
type acquiring struct {
	context.Context
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
func (w *watcher) TraceAcquireStart(ctx context.Context, p *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	if w.pool.Load() == nil {
		w.pool.Store(p)
	}
	if err := w.guard.Nested(ctx); err != nil {
		return refusedContext{ctx, err}
	}
	a := &acquiring{Context: ctx}
	if asking := w.asking.Add(1); w.held.Load()+asking > w.size && w.guard.Of(ctx) == nil {
		a.waiter = w.guard.Wait(ctx, int(w.size))
		a.Context = a.waiter.Context()
	}
	return a
}

// TraceAcquireEnd implements pgxpool.AcquireTracer.
func (w *watcher) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	a, _ := ctx.Value(acquiringKey{}).(*acquiring)
	if a == nil {
		return // it was refused
	}
	if a.waiter != nil {
		a.waiter.Done()
	}
	if data.Conn != nil {
		w.held.Add(1)
		w.acquired(a, data.Conn)
	}
	w.asking.Add(-1)
}

func (w *watcher) acquired(a *acquiring, c *pgx.Conn) {
	s := stateOf(c)
	if s == nil {
		s = &state{}
		c.PgConn().CustomData()[stateKey] = s
	}
	s.left = leftover.Notes{}
	s.lent.Store(false)
	hold := w.guard.Watch(context.WithoutCancel(a.Context))
	s.mine = hold != nil
	if !s.mine {
		hold = w.guard.Of(a.Context)
	} else {
		socket := c.PgConn().Conn()
		hold.OnTaken(func() { _ = socket.Close() }) // the reader's error is what matters
	}
	s.hold.Store(hold)
}

// TraceRelease implements pgxpool.ReleaseTracer. A connection that something is
// left on is closed, so that the pool destroys it.
func (w *watcher) TraceRelease(_ *pgxpool.Pool, data pgxpool.TraceReleaseData) {
	s := stateOf(data.Conn)
	if s == nil {
		return
	}
	hold := s.hold.Swap(nil)
	if hold == nil {
		return // it was not acquired through Acquire
	}
	w.held.Add(-1)
	if !s.mine {
		return // Do has looked at it
	}
	s.left.Tx = !data.Conn.IsClosed() && data.Conn.PgConn().TxStatus() != 'I'
	if what := s.left.String(); what != "" {
		if err := hold.RefuseDirty(what); err != nil {
			w.guard.Report(err)
			closeNow(data.Conn)
		}
	}
	hold.End(session.Released, nil)
}

// check refuses a statement on a connection that is not held, and takes note of
// what it leaves. The refusal is a context: pgx asks it before the server.
func (w *watcher) check(ctx context.Context, c *pgx.Conn, op session.Op, sql string) context.Context {
	s := stateOf(c)
	if s == nil {
		return ctx // the pool is still connecting
	}
	hold := s.hold.Load()
	if w.right(ctx, s, hold) {
		if s.mine {
			s.left.Add(sql)
		}
		return ctx
	}
	if err := w.refusal(hold, op); err != nil {
		return refusedContext{ctx, err}
	}
	return ctx
}

// right says whether a statement may run on the connection that hold holds.
func (w *watcher) right(ctx context.Context, s *state, hold *session.Hold) bool {
	switch {
	case hold == nil: // it is in the pool, or a hook of the pool has it
		return s.hook.Load() || ctx.Value(acquiringKey{}) != nil || w.passedUs()
	case s.mine:
		return !hold.Over()
	}
	return s.lent.Load() || !hold.Begun() || ctx.Value(ownKey{}) == hold
}

// passedUs says whether connections were acquired that no tracer has seen:
// AcquireAllIdle does that. Then nothing can be said.
func (w *watcher) passedUs() bool {
	p := w.pool.Load()
	return p == nil || int64(p.Stat().AcquiredConns()) > w.held.Load()
}

func (w *watcher) refusal(hold *session.Hold, op session.Op) error {
	if hold != nil && hold.Over() {
		return hold.RefuseEnded(op)
	}
	return w.guard.RefuseReleased(op)
}

// refusedContext is done, with a reason of ours.
type refusedContext struct {
	context.Context
	err error
}

func (refusedContext) Done() <-chan struct{} { return closed }
func (r refusedContext) Err() error          { return r.err }

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// TraceQueryStart implements pgx.QueryTracer.
func (w *watcher) TraceQueryStart(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return w.check(ctx, c, session.OpExec, data.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*watcher) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (w *watcher) TraceBatchStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return w.check(ctx, c, session.OpBatch, "")
}

// TraceBatchQuery implements pgx.BatchTracer.
func (*watcher) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (*watcher) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (w *watcher) TraceCopyFromStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return w.check(ctx, c, session.OpCopy, "")
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (*watcher) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}

// TracePrepareStart implements pgx.PrepareTracer.
func (w *watcher) TracePrepareStart(ctx context.Context, c *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return w.check(ctx, c, session.OpPrepare, "")
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (*watcher) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}
