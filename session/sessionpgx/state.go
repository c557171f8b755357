package sessionpgx

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// state is what is known of a connection. The map it lives in belongs to the
// connection and is written once, before anybody but the pool knows it. What is not
// atomic is of whoever has the connection.
type state struct {
	w        *watcher                     // of its pool
	hold     atomic.Pointer[session.Hold] // who holds it; nil in the pool
	mine     bool                         // the hold is of Watch, not of Do
	inTx     bool
	left     leftover.Notes
	hook     atomic.Bool // a hook of the pool has it
	lent     atomic.Bool // the unit of Do has handed it out
	listens  atomic.Bool // LISTEN, or a setting, was said on it
	hijacked atomic.Bool // it has left the pool
	take     func(busy bool)
}

const stateKey = "reeve/session"

func stateOf(c *pgx.Conn) *state {
	s, _ := c.PgConn().CustomData()[stateKey].(*state)
	return s
}

func newState(c *pgx.Conn) *state {
	socket := c.PgConn().Conn()
	s := &state{}
	// A statement that is going on ends with its socket. The connection keeps its place in the pool
	// until it is released.
	s.take = func(bool) {
		if h := s.hold.Load(); h != nil {
			h.Away()
			if s.hold.Load() != h {
				h.Returned() // it was released in that moment
			}
		}
		_ = socket.Close() // the reader's error is what matters
	}
	c.PgConn().CustomData()[stateKey] = s
	return s
}

// enter notes that something is done on a connection, and refuses it on one that is not
// held. The refusal is a context: pgx asks it before the server.
func enter(ctx context.Context, c *pgx.Conn, op session.Op, sql string) context.Context {
	s := stateOf(c)
	if s == nil {
		return ctx // the pool is still connecting
	}
	hold := s.hold.Load()
	if right(ctx, s, hold) {
		if hold != nil && s.mine {
			s.note(sql)
			hold.Note(op)
		}
		return ctx
	}
	if err := s.refusal(hold, op); err != nil {
		return refusedContext{ctx, err}
	}
	return ctx
}

// note takes note of what a statement leaves. One that listens may be about to leave the pool.
func (s *state) note(sql string) {
	before := s.left.Setting
	s.left.Add(sql)
	if s.left.Setting != before {
		s.listens.Store(true)
	}
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
func right(ctx context.Context, s *state, hold *session.Hold) bool {
	switch {
	case hold == nil: // it is in the pool, or a hook of the pool has it, or it has left the pool
		return s.hook.Load() || s.hijacked.Load() || ctx.Value(acquiringKey{}) != nil || s.w.passedUs()
	case s.mine:
		return !hold.Over()
	}
	return s.lent.Load() || !hold.Begun() || ctx.Value(ownKey{}) == hold
}

// passedUs says whether connections were acquired that no tracer has seen:
// AcquireAllIdle does that. Then nothing can be said.
func (w *watcher) passedUs() bool {
	p := w.pool.Value()
	return p == nil || int64(p.Stat().AcquiredConns()) > w.held.Load()
}

func (s *state) refusal(hold *session.Hold, op session.Op) error {
	if hold != nil && hold.Over() {
		return hold.RefuseEnded(op)
	}
	return s.w.guard.RefuseReleased(op)
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
