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
	inTx bool
	hook atomic.Bool // AfterRelease has it
	lent atomic.Bool // the unit of Do has handed it out
	left leftover.Notes
	take func(busy bool) // closes the socket
}

const stateKey = "reeve/session"

func stateOf(c *pgx.Conn) *state {
	s, _ := c.PgConn().CustomData()[stateKey].(*state)
	return s
}

func newState(c *pgx.Conn) *state {
	socket := c.PgConn().Conn()
	// The reader's error is what matters. A statement that is going on ends with it.
	s := &state{take: func(bool) { _ = socket.Close() }}
	c.PgConn().CustomData()[stateKey] = s
	return s
}

// acquiring marks the context of an Acquire, and of what the pool does inside it.
type acquiring struct {
	context.Context
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
func (w *watcher) TraceAcquireStart(ctx context.Context, p *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	if w.pool.Load() == nil {
		w.pool.Store(p)
	}
	hold, fresh, err := w.guard.Admit(ctx)
	if err != nil {
		return refusedContext{ctx, err}
	}
	a := &acquiring{Context: ctx, hold: hold, fresh: fresh}
	if asking := w.asking.Add(1); fresh && w.held.Load()+asking > w.size {
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
		acquired(a, data.Conn)
	}
	w.asking.Add(-1)
}

func acquired(a *acquiring, c *pgx.Conn) {
	s := stateOf(c)
	if s == nil {
		s = newState(c)
	}
	s.left, s.inTx, s.mine = leftover.Notes{}, false, a.fresh
	s.lent.Store(false)
	if a.fresh {
		a.hold.Start(s.take)
	}
	s.hold.Store(a.hold)
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
	if what := leftBehind(&s.left, data.Conn); what != "" {
		if err := hold.RefuseDirty(what); err != nil {
			w.guard.Report(err)
			closeNow(data.Conn)
		}
	}
	if !hold.End(session.Released, nil) {
		closeNow(data.Conn) // its socket was taken away, which pgx need not have noticed
	}
}

// enter notes that something is done on a connection, and refuses it on one that is not
// held. The refusal is a context: pgx asks it before the server.
func (w *watcher) enter(ctx context.Context, c *pgx.Conn, op session.Op, sql string) context.Context {
	s := stateOf(c)
	if s == nil {
		return ctx // the pool is still connecting
	}
	hold := s.hold.Load()
	if w.right(ctx, s, hold) {
		if hold != nil && s.mine {
			s.left.Add(sql)
			hold.Note(op)
		}
		return ctx
	}
	if err := w.refusal(hold, op); err != nil {
		return refusedContext{ctx, err}
	}
	return ctx
}

// exit notes that it is done, and whether the connection is in a transaction now.
func exit(ctx context.Context, c *pgx.Conn, op session.Op) {
	if _, ok := ctx.(refusedContext); ok {
		return // the connection is somebody else's
	}
	s := stateOf(c)
	if s == nil || !s.mine {
		return
	}
	hold := s.hold.Load()
	if hold == nil {
		return
	}
	if is := c.PgConn().TxStatus() != 'I'; is != s.inTx {
		s.inTx = is
		hold.InTx(is)
	}
	hold.NoteEnd(op)
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
