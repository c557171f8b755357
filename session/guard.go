package session

import (
	"context"
	"log/slog"
	"time"
)

// Guard watches the units of one pool: it opens them, holds the rules, and
// counts. An adapter (sessionsql, sessionpgx, or one of your own) makes one for
// each pool. It is safe for concurrent use.
type Guard struct {
	name   string
	of     any
	rules  Rules
	warner *warner
	tally  *tally
}

// GuardOption sets up a Guard.
type GuardOption func(*Guard)

// WithRules sets the mode of rules; those not named are enforced.
func WithRules(r Rules) GuardOption { return func(g *Guard) { g.rules = r } }

// WithLog sets where rules that are set to Warn are logged; slog.Default() unless told.
func WithLog(l *slog.Logger) GuardOption { return func(g *Guard) { g.warner.log = l } }

// Of says which pool is guarded: two guards with equal values guard the same
// one, and a unit of either is nested in a unit of the other. The value must be
// comparable. Unless told, a guard stands for itself.
func Of(pool any) GuardOption { return func(g *Guard) { g.of = pool } }

// NewGuard makes the guard of a pool. The name stands in errors and counters;
// guards of one name share their counters, so the name must not be made per request.
func NewGuard(name string, opts ...GuardOption) *Guard {
	g := &Guard{name: name, tally: tallyOf(name), warner: &warner{log: slog.Default(), seen: map[string]struct{}{}}}
	g.of = g
	for _, o := range opts {
		o(g)
	}
	return g
}

// Name is the pool's name.
func (g *Guard) Name() string { return g.name }

// Mode is what this guard does about a rule.
func (g *Guard) Mode(r Rule) Mode { return g.rules[r] }

// Open starts a unit on behalf of ctx. The caller must End it. It returns an
// *IllegalStateError when ctx holds a unit of this guard already (rule nested),
// and the context's error when ctx is done.
func (g *Guard) Open(ctx context.Context) (*Hold, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := scopeOf(ctx)
	if s != nil && s.hold != nil {
		if err := g.nested(s.hold); err != nil {
			return nil, err
		}
	}
	h := &Hold{guard: g, since: time.Now()}
	h.scope.hold = h
	h.ctx = unitContext{Context: ctx, scope: &h.scope}
	h.opened.take()
	if s != nil {
		h.scope.holder, h.parent = s.holder, s.hold
	}
	if h.scope.holder != nil {
		h.scope.holder.open.Add(1)
	}
	g.tally.add(h)
	return h, nil
}

// nested refuses a second unit of this guard under a context that holds one.
func (g *Guard) nested(h *Hold) error {
	for ; h != nil; h = h.parent {
		if h.guard.of == g.of && !h.Over() {
			return g.Refuse(&IllegalStateError{
				Op: OpBegin.String(), State: "held already by this context", Rule: RuleNested,
				Opened: h.opened.site(), Used: []Site{here()},
				Advice: "pass the unit you hold down to the function that opens the second, " +
					"or open the second after the first has ended",
			})
		}
	}
	return nil
}

// Refuse applies the mode of e's rule: it returns e, or logs it and returns
// nil, or returns nil. It fills in the pool's name and counts the refusal.
func (g *Guard) Refuse(e *IllegalStateError) error {
	e.Pool = g.name
	switch g.rules[e.Rule] {
	case Off:
		return nil
	case Warn:
		g.warner.warn(e)
		return nil
	default:
		g.tally.refused(e.Rule)
		return e
	}
}
