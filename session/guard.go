package session

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"
)

// Guard watches the units of one pool: it opens them, holds the rules, and
// counts. An adapter (sessionsql, sessionpgx, or one of your own) makes one for
// each pool. It is safe for concurrent use.
type Guard struct {
	name   string
	lot    *lot
	rules  Rules
	warner *warner
	tally  *tally

	limit    bound         // how long a unit may be held
	idle     bound         // how long a transaction may do nothing
	wait     time.Duration // how long a session may be waited for
	watchdog watchdog
}

// bound is a bound of time, and whether the author has set it.
type bound struct {
	after time.Duration
	told  bool
}

// boundOf is a bound that the author has set; 0 is none, and then nothing is told either.
func boundOf(d time.Duration) bound {
	if d <= 0 {
		return bound{after: math.MaxInt64}
	}
	return bound{d, true}
}

// GuardOption sets up a Guard.
type GuardOption func(*Guard)

// WithRules sets the mode of rules; those not named are enforced.
func WithRules(r Rules) GuardOption { return func(g *Guard) { g.rules = r } }

// WithLog sets where rules that are set to Warn are logged; slog.Default() unless told.
func WithLog(l *slog.Logger) GuardOption { return func(g *Guard) { g.warner.log = l } }

// WithLimit sets how long a unit may be held. One that is held for longer breaks
// the rule leak: it is logged with the line that opened it and the line where its
// function is now, and its session is taken away. Unless told, a unit of more than a
// minute is logged, and no session is taken away; 0 is no bound at all.
func WithLimit(d time.Duration) GuardOption { return func(g *Guard) { g.limit = boundOf(d) } }

// WithIdle sets how long a transaction may be open while nothing is done in it: while
// its function waits for a model, say. Beyond that it breaks the rule idle, with the
// same consequences. Unless told, ten seconds are logged, and no session is taken away.
func WithIdle(d time.Duration) GuardOption { return func(g *Guard) { g.idle = boundOf(d) } }

// WithWait sets how long a session may be waited for when the caller's context
// has no earlier deadline; 30 seconds unless told.
func WithWait(d time.Duration) GuardOption { return func(g *Guard) { g.wait = d } }

// Beside makes a guard of the pool that another one guards: a unit of either is
// nested in a unit of the other, and who waits for the pool is known to both. Unless
// told, a guard has a pool of its own.
func Beside(other *Guard) GuardOption { return func(g *Guard) { g.lot = other.lot } }

// NewGuard makes the guard of a pool. The name stands in errors and counters;
// guards of one name share their counters, so the name must not be made per request.
func NewGuard(name string, opts ...GuardOption) *Guard {
	g := &Guard{
		name: name, tally: tallyOf(name), wait: 30 * time.Second,
		limit: bound{after: suspiciousAge}, idle: bound{after: suspiciousIdle},
	}
	g.warner = &warner{log: slog.Default(), seen: map[string]struct{}{}}
	g.lot = &lot{}
	for _, o := range opts {
		o(g)
	}
	g.lot.join(g.tally)
	return g
}

// Name is the pool's name.
func (g *Guard) Name() string { return g.name }

// Mode is what this guard does about a rule.
func (g *Guard) Mode(r Rule) Mode { return g.rules[r] }

// Each calls f for every open unit of this guard, the oldest first. It must not call the guard.
func (g *Guard) Each(f func(h *Hold, owner any)) {
	var open []*Hold
	g.tally.each(func(h *Hold) {
		if h.guard == g {
			open = append(open, h)
		}
	})
	for _, h := range open {
		f(h, h.owner)
	}
}

// Drain waits until no unit of the guard's pool is open. Those that are when ctx
// ends are ended, their sessions are taken away, and the *IllegalStateError
// names the lines that opened them.
func (g *Guard) Drain(ctx context.Context) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := g.lot.open()
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
	}
	for _, h := range left { // from here on others may read the error
		h.abandon(e)
	}
	return e
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
