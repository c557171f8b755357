package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// endedError says that the unit is over. The line that opened a unit of Do is the
// one that ends it as well; one that was taken away was ended by no line of the author's.
func (h *Hold) endedError(op Op, state uint32) *IllegalStateError {
	how := End(state >> endShift & 0xff)
	e := &IllegalStateError{
		Op: op.String(), State: "ended: " + how.String(), Rule: RuleEnded,
		Opened: h.opened.site(), Used: []Site{here()}, Cause: h.cause,
		Advice: "open a unit of its own with Do where the work is done; hand over values, not the unit",
	}
	if how != Abandoned {
		e.Ended = e.Opened
	}
	return e
}

func (h *Hold) overlapError(op Op, state uint32) *IllegalStateError {
	return &IllegalStateError{
		Op: op.String(), State: fmt.Sprintf("in use: %s", Op(state>>opShift&0xff)), Rule: RuleOverlap,
		Opened: h.opened.site(), Used: []Site{here()}, late: &h.second,
		Advice: "give each goroutine a unit of its own with Do, or let one goroutine do the statements",
	}
}

// RefuseEnded is the answer to a use of a unit that has ended; nil while it is open.
func (h *Hold) RefuseEnded(op Op) error {
	s := h.state.Load()
	if s&phaseMask != ended {
		return nil
	}
	return h.guard.Refuse(h.endedError(op, s))
}

// RefuseReleased is the answer to a use of a session that is in its pool, by
// somebody who has kept it.
func (g *Guard) RefuseReleased(op Op) error {
	return g.Refuse(&IllegalStateError{
		Op: op.String(), State: "ended: the connection is back in its pool, or is held by another", Rule: RuleEnded,
		Used: []Site{here()}, Advice: "do not keep a connection beyond its release; acquire one where it is used",
	})
}

// Report logs a refusal that nobody can be given as an error. It is logged once a
// call site; nil is nothing.
func (g *Guard) Report(err error) {
	if e, ok := errors.AsType[*IllegalStateError](err); ok {
		g.warner.warn(e)
	}
}

// RefuseByHand is the answer to a commit or rollback of a unit that Do ends.
func (h *Hold) RefuseByHand(op Op) error {
	if s := h.state.Load(); s&phaseMask == ended {
		return h.guard.always(h.endedError(op, s))
	}
	return h.guard.always(&IllegalStateError{
		Op: op.String(), State: "open, and is ended by Do", Rule: RuleByHand,
		Opened: h.opened.site(), Used: []Site{here()},
		Advice: "return nil from the function of Do to commit, or an error to roll back",
	})
}

// RefuseRows is the answer to the end of a unit while rows of the query are open.
func (h *Hold) RefuseRows(op Op, query string) error {
	return h.guard.Refuse(h.rowsError(op, brief(query)))
}

func (h *Hold) rowsError(op Op, of string) *IllegalStateError {
	return &IllegalStateError{
		Op: op.String(), State: "open with rows that are not closed: " + of, Rule: RuleRows,
		Opened: h.opened.site(), Used: []Site{here()},
		Advice: "close the rows (defer rows.Close()) and look at rows.Err() before the next statement and the end of the unit; " +
			"scan every row that QueryRow gave",
	}
}

// RefuseDirty is the answer to a connection that comes back with something left on it.
func (h *Hold) RefuseDirty(what string) error {
	return h.guard.Refuse(&IllegalStateError{
		Op: OpClose.String(), State: "open with " + what + " left on its connection", Rule: RuleDirty,
		Opened: h.opened.site(), Used: []Site{here()},
		Advice: "end on the connection what was begun on it, or use Do, whose transaction ends it",
	})
}

// Lost ends the unit because the database or the context has ended it, and
// gives the error for the operation that found out.
func (h *Hold) Lost(op Op, err error) error {
	how := Failed
	if h.ctx.Err() != nil {
		how, err = Cancelled, errors.Join(err, h.ctx.Err(), otherCause(&h.ctx))
	}
	first := h.End(how, err)
	e := h.endedError(op, h.state.Load())
	if !first { // it was taken away from under the operation
		e.Cause = errors.Join(e.Cause, err)
	}
	return e
}

// otherCause is the cause of the cancellation where it says more than the error.
func otherCause(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return nil
	}
	return cause
}

// brief is the beginning of a statement, on one line.
func brief(query string) string {
	const most = 80
	q := strings.Join(strings.Fields(query), " ")
	if len(q) > most {
		q = strings.ToValidUTF8(q[:most], "") + "…"
	}
	return q
}
