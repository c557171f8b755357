package session

import (
	"context"
	"slices"
	"sync/atomic"
)

// Hold is one unit while it is open: one session, one owner, one short life.
// It is the state machine behind the handle that an adapter gives out. Its
// methods are safe for concurrent use; that is the point of them.
type Hold struct {
	state  atomic.Uint32
	guard  *Guard
	scope  scope
	parent *Hold
	ctx    unitContext
	opened trace
	since  moment
	number uint64                  // among the units of the tally
	cause  error                   // why it ended; written before the state says so
	second atomic.Pointer[trace]   // the use that another one met
	cancel context.CancelCauseFunc // of ctx, where the guard may take the session away
	rows   atomic.Int32            // open, where a driver tells
	tx     atomic.Bool             // it is in a transaction
	owner  any                     // what the adapter knows it by
	take   func(busy bool)         // takes the session away; set before the unit is listed, or begins
	prev   *Hold                   // the tally's list, by age
	next   *Hold

	// Of the watchdog, under the tally's lock.
	tooOld, tooIdle bool
	stillSince      moment
	got             moment // its session, at the earliest: when it was last seen without; 0 where it was not
}

// The state word: phase, operation, end, and whether another use met this one.
const (
	idle      uint32 = 0
	inUse     uint32 = 1
	closing   uint32 = 2
	ended     uint32 = 3
	streaming uint32 = 4 // rows or a batch are open, and nobody reads at the moment

	waiting = inUse | uint32(OpBegin)<<opShift // it has no session yet

	phaseMask uint32 = 0xff
	opShift          = 8
	endShift         = 16
	met       uint32 = 1 << 31
	inside    uint32 = 1 << 30 // it ended while an operation was going on
	still     uint32 = 1 << 29 // the watchdog has seen it idle, and nobody has entered it since
	marked    uint32 = 1 << 28 // likewise the judge of circles
)

// unitContext gives the unit's scope to everything that is called with it,
// without an allocation of its own.
type unitContext struct {
	context.Context
	scope *scope
}

func (c *unitContext) Value(key any) any {
	if _, ok := key.(scopeKey); ok {
		return c.scope
	}
	return c.Context.Value(key)
}

// Context is the context of the unit, to be given to the author's function.
func (h *Hold) Context() context.Context { return &h.ctx }

// Bounded says whether the session may be taken away from the unit: then its statements want Bound.
func (h *Hold) Bounded() bool { return h.cancel != nil }

// Bound is ctx for a statement, which also ends when the session is taken away from
// the unit. The result's second part is to be called when the statement is over; for rows,
// that is when they are closed, and at the latest the unit's end does it.
func (h *Hold) Bound(ctx context.Context) (context.Context, func()) {
	if h.cancel == nil {
		return ctx, func() {}
	}
	bound, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(&h.ctx, func() { cancel(context.Cause(&h.ctx)) })
	return bound, func() {
		stop()
		cancel(nil)
	}
}

// Opened is the place that opened the unit.
func (h *Hold) Opened() Site { return h.opened.site() }

// Authored says whether a line of the author's has opened the unit, and not the
// database's library on nobody's behalf.
func (h *Hold) Authored() bool {
	full := h.opened[deepest-1] != 0 // the library's own goroutines have short stacks
	return full || slices.ContainsFunc(trim(h.opened[:]), foreign)
}

// InUse is what is going on in the unit: "exec"; empty when nothing is.
func (h *Hold) InUse() string {
	if s := h.state.Load(); s&phaseMask != idle {
		return Op(s >> opShift & 0xff).String()
	}
	return ""
}

// Taken says whether the unit was ended by taking its session away.
func (h *Hold) Taken() bool {
	s := h.state.Load()
	return s&phaseMask == ended && End(s>>endShift&0xff) == Abandoned
}

// Mode is what the unit's guard does about a rule.
func (h *Hold) Mode(r Rule) Mode { return h.guard.Mode(r) }

// Over says whether the unit has ended.
func (h *Hold) Over() bool { return h.state.Load()&phaseMask == ended }

// Begin says that the unit has its session. It returns the unit's context, for
// the author's function. A unit that was ended while it waited stays ended.
func (h *Hold) Begin() context.Context {
	h.state.CompareAndSwap(waiting, idle)
	return &h.ctx
}

// OnTaken sets what takes the session away from a unit that goes on for too long,
// besides the cancellation of its context; to be called before Begin. It is called
// once at most, from another goroutine, and must not wait; busy says that an operation
// is going on, whose Exit will return false.
func (h *Hold) OnTaken(take func(busy bool)) { h.take = take }

// InTx says whether the unit is in a transaction now: one in which nothing happens
// breaks the rule idle.
func (h *Hold) InTx(is bool) { h.tx.Store(is) }

// Begun says whether the unit has got its session.
func (h *Hold) Begun() bool { return h.state.Load() != waiting }

// Enter claims the unit for one operation. It returns an *IllegalStateError
// when the unit has ended or is in use. Each Enter that returned nil needs an Exit
// with the same op.
func (h *Hold) Enter(op Op) error {
	if h.state.CompareAndSwap(idle, inUse|uint32(op)<<opShift) {
		return nil
	}
	return h.refuse(op, inUse)
}

// Exit gives the unit back after an operation. It returns false when the unit
// was ended meanwhile: then the caller must release the session.
func (h *Hold) Exit(op Op) bool {
	if h.state.CompareAndSwap(inUse|uint32(op)<<opShift, idle) {
		return true
	}
	return h.exitMet(op)
}

// Pause leaves the unit with rows open after an operation: nobody is inside, but
// only Resume with the same op may enter. It returns false as Exit does.
func (h *Hold) Pause(op Op) bool {
	if h.state.CompareAndSwap(inUse|uint32(op)<<opShift, streaming|uint32(op)<<opShift) {
		return true
	}
	h.noteSecond()
	return h.state.CompareAndSwap(inUse|uint32(op)<<opShift|met, streaming|uint32(op)<<opShift) || !h.Over()
}

// Resume claims the unit for reading on from the rows that Pause left open. An
// Exit or another Pause must follow when it returned nil.
func (h *Hold) Resume(op Op) error {
	from, to := streaming|uint32(op)<<opShift, inUse|uint32(op)<<opShift
	if h.state.CompareAndSwap(from, to) {
		return nil
	}
	for s := h.state.Load(); s&^(still|marked) == from; s = h.state.Load() {
		if h.state.CompareAndSwap(s, to) {
			return nil
		}
	}
	return h.refuse(op, inUse)
}

// Note says that an operation is going on which the adapter can only see, not refuse:
// for lists, and for the watchdog. NoteEnd is the other half.
func (h *Hold) Note(op Op) {
	for s := h.state.Load(); s&phaseMask == idle; s = h.state.Load() {
		if h.state.CompareAndSwap(s, inUse|uint32(op)<<opShift) {
			return
		}
	}
}

// NoteEnd says that the operation is over.
func (h *Hold) NoteEnd(op Op) { h.state.CompareAndSwap(inUse|uint32(op)<<opShift, idle) }

// exitMet ends an operation that another one met.
func (h *Hold) exitMet(op Op) bool {
	h.noteSecond()
	return h.state.CompareAndSwap(inUse|uint32(op)<<opShift|met, idle) || !h.Over()
}

// noteSecond keeps the place of a use that another one met, for the error of
// the other, which may be read later than now.
func (h *Hold) noteSecond() {
	var t trace
	t.take(depth)
	h.second.CompareAndSwap(nil, &t)
}

// refuse decides about a use that did not find the unit idle.
func (h *Hold) refuse(op Op, want uint32) error {
	for {
		old := h.state.Load()
		switch old & phaseMask {
		case idle:
			if h.state.CompareAndSwap(old, want|uint32(op)<<opShift) {
				return nil
			}
		case streaming:
			return h.guard.Refuse(h.rowsError(op, "of a "+Op(old>>opShift&0xff).String()))
		case ended:
			return h.guard.always(h.endedError(op, old))
		default:
			if h.state.CompareAndSwap(old, old|met) {
				return h.guard.Refuse(h.overlapError(op, old))
			}
		}
	}
}

// RowsOpened counts rows that a driver has seen being opened in this unit, and
// RowsClosed those it has seen being closed.
func (h *Hold) RowsOpened() { h.rows.Add(1) }

// RowsClosed is the other half of RowsOpened.
func (h *Hold) RowsClosed() { h.rows.Add(-1) }

// RowsOpen is the number of rows that are open, as far as a driver tells it.
func (h *Hold) RowsOpen() int { return int(h.rows.Load()) }
