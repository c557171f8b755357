package session

import (
	"context"
	"fmt"
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

	limit    time.Duration // how long a unit may be held
	wait     time.Duration // how long a session may be waited for
	watchdog watchdog
	queue    queue
}

// GuardOption sets up a Guard.
type GuardOption func(*Guard)

// WithRules sets the mode of rules; those not named are enforced.
func WithRules(r Rules) GuardOption { return func(g *Guard) { g.rules = r } }

// WithLog sets where rules that are set to Warn are logged; slog.Default() unless told.
func WithLog(l *slog.Logger) GuardOption { return func(g *Guard) { g.warner.log = l } }

// WithLimit sets how long a unit may be held. One that is held for longer breaks
// the rule leak: it is logged with the line that opened it, and where the rule is
// enforced its session is taken away. There is no limit unless told.
func WithLimit(d time.Duration) GuardOption { return func(g *Guard) { g.limit = d } }

// WithWait sets how long a session may be waited for when the caller's context
// has no earlier deadline; 30 seconds unless told.
func WithWait(d time.Duration) GuardOption { return func(g *Guard) { g.wait = d } }

// Of says which pool is guarded: two guards with equal values guard the same
// one, and a unit of either is nested in a unit of the other. The value must be
// comparable. Unless told, a guard stands for itself.
func Of(pool any) GuardOption { return func(g *Guard) { g.of = pool } }

// NewGuard makes the guard of a pool. The name stands in errors and counters;
// guards of one name share their counters, so the name must not be made per request.
func NewGuard(name string, opts ...GuardOption) *Guard {
	g := &Guard{name: name, tally: tallyOf(name), wait: 30 * time.Second}
	g.warner = &warner{log: slog.Default(), seen: map[string]struct{}{}}
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

// Open starts a unit on behalf of ctx: it waits for its session until Begin. The
// caller must End it. Open returns an
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
	h := g.hold(ctx, s)
	h.state.Store(waiting)
	h.opened.take(depth)
	g.enlist(h)
	return h, nil
}

// Watch starts a unit that an adapter has seen being opened by somebody who does
// not use Do: it counts, ages, and shows up in lists, and nothing is refused. It is
// nil when ctx belongs to an open unit of this guard, which is then the one.
func (g *Guard) Watch(ctx context.Context) *Hold {
	s := scopeOf(ctx)
	if s != nil && s.hold != nil && s.hold.guard.of == g.of && !s.hold.Over() {
		return nil
	}
	h := g.hold(ctx, s)
	h.opened.take(deepest)
	g.enlist(h)
	return h
}

// Nested refuses a session for a ctx that belongs to a unit of this guard which
// has its session already; an adapter that sees sessions being acquired asks it.
func (g *Guard) Nested(ctx context.Context) error {
	h := g.Of(ctx)
	if h == nil || h.state.Load() == waiting {
		return nil
	}
	return g.nested(h)
}

// Drain waits until no unit of the guard's pool is open. Those that are when ctx
// ends are ended, their sessions are taken away, and the *IllegalStateError
// names the lines that opened them.
func (g *Guard) Drain(ctx context.Context) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := g.open()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return g.abandon(left, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func (g *Guard) abandon(left []*Hold, cause error) error {
	e := &IllegalStateError{
		Op: OpClose.String(), State: fmt.Sprintf("one of %d that are still open", len(left)), Rule: RuleLeak,
		Pool: g.name, Opened: left[0].opened.site(), Used: []Site{here()}, Cause: cause,
		Advice: "end the work and wait for it before the pool is closed",
	}
	for _, h := range left {
		e.Held = append(e.Held, h.opened.site())
		h.abandon(e)
	}
	return e
}

// Of finds the open unit of this guard that ctx belongs to; nil when there is none.
func (g *Guard) Of(ctx context.Context) *Hold {
	s := scopeOf(ctx)
	if s == nil || s.hold == nil || s.hold.guard.of != g.of || s.hold.Over() {
		return nil
	}
	return s.hold
}

func (g *Guard) hold(ctx context.Context, s *scope) *Hold {
	h := &Hold{guard: g, since: time.Now()}
	h.scope.hold = h
	if g.limit > 0 {
		ctx, h.cancel = context.WithCancelCause(ctx)
	}
	h.ctx = unitContext{Context: ctx, scope: &h.scope}
	if s != nil {
		h.scope.holder, h.scope.witness, h.parent = s.holder, s.witness, s.hold
	}
	return h
}

func (g *Guard) enlist(h *Hold) {
	h.scope.count(1)
	g.tally.add(h)
	if g.limit > 0 {
		g.watchdog.arm(g)
	}
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

// always refuses in every mode, for what cannot be let pass.
func (g *Guard) always(e *IllegalStateError) error {
	_ = g.Refuse(e)
	return e
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
