package session

import (
	"context"
	"sync/atomic"
)

// Holder counts the units that are open on behalf of one worker. It is put in
// a context; every unit opened under that context counts in it, also when the
// worker's closures use an outer context. The zero value is ready; a Holder
// must not be copied after first use. It is safe for concurrent use.
type Holder struct{ open atomic.Int32 }

// NewHolder returns a Holder with no unit open.
func NewHolder() *Holder { return new(Holder) }

// scope is what a context knows: the worker, and the unit it belongs to.
// Both in one value, so that an open looks the context through once.
type scope struct {
	holder  *Holder
	witness *Holder
	hold    *Hold
}

type scopeKey struct{}

func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

// WithHolder returns a context under which every unit counts in h.
func WithHolder(ctx context.Context, h *Holder) context.Context {
	s := &scope{}
	if up := scopeOf(ctx); up != nil {
		*s = *up
	}
	s.holder = h
	return context.WithValue(ctx, scopeKey{}, s)
}

// WithWitness returns a context under which every unit counts in w as well,
// whatever holders are put in between: for tests and for limits.
func WithWitness(ctx context.Context, w *Holder) context.Context {
	s := &scope{}
	if up := scopeOf(ctx); up != nil {
		*s = *up
	}
	s.witness = w
	return context.WithValue(ctx, scopeKey{}, s)
}

// Open is the number of units that are open now.
func (h *Holder) Open() int { return int(h.open.Load()) }

// Units lists the units that are open now, the oldest first.
func (h *Holder) Units() []Unit {
	var holds []*Hold
	eachOf(h, func(hold *Hold) { holds = append(holds, hold) })
	return unitsOf(holds)
}

func (s *scope) count(n int32) {
	if s.holder != nil {
		s.holder.open.Add(n)
	}
	if s.witness != nil {
		s.witness.open.Add(n)
	}
}

// Check returns nil when no unit is open, and otherwise an *IllegalStateError
// that names op and the line that opened the unit, unless the rule held is set to warn
// or off for its pool. It costs one load when none is open.
func (h *Holder) Check(op string) error {
	if h.open.Load() == 0 {
		return nil
	}
	return heldError(op, openOf(h))
}

// Check is Holder.Check for the holder in ctx, or for the unit that ctx itself
// belongs to (the ctx given to the function of Do).
func Check(ctx context.Context, op string) error {
	s := scopeOf(ctx)
	if s == nil {
		return nil
	}
	if s.holder != nil && s.holder.open.Load() > 0 {
		return s.holder.Check(op)
	}
	if s.hold != nil && !s.hold.Over() {
		return heldError(op, s.hold)
	}
	return nil
}

func heldError(op string, h *Hold) error {
	e := &IllegalStateError{
		Op: op, State: "unit open", Rule: RuleHeld, Used: []Site{here()},
		Advice: "let the function of Do return first, and pass on the values it read, not the unit",
	}
	if h == nil {
		return e // the last one ended meanwhile; it was open when it was asked
	}
	e.Opened = h.opened.site()
	return h.guard.Refuse(e)
}
