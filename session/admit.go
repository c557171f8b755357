package session

import "context"

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
		if h := s.hold.of(g.lot); h != nil {
			if err := g.nested(h); err != nil {
				return nil, err
			}
		}
	}
	h := g.hold(s)
	h.within(ctx)
	h.state.Store(waiting)
	h.opened.take(depth)
	g.enlist(h)
	return h, nil
}

// Admit is for an adapter that sees a session being asked for. It gives the unit
// that the session will belong to: the one of Do that ctx belongs to, or a fresh one
// that keeps the line that asks, for somebody who does not use Do. A fresh one begins
// with Start. Admit refuses a session for a unit that has its own already (rule nested);
// where the rule lets it pass, the second is a fresh one.
func (g *Guard) Admit(ctx context.Context) (h *Hold, fresh bool, err error) {
	s := scopeOf(ctx)
	if s != nil && s.hold != nil {
		h = s.hold.of(g.lot)
		if h != nil && h.state.Load() == waiting {
			return h, false, nil
		}
		if h != nil {
			if err = g.nested(h); err != nil {
				return h, false, err
			}
		}
	}
	h = g.hold(s)
	h.within(context.Background())
	h.opened.take(deepest)
	return h, true, nil
}

// within makes the unit's context. Where the guard may take the session away, it ends then.
func (h *Hold) within(ctx context.Context) {
	if h.guard.suspicion(RuleLeak) == Enforce || h.guard.suspicion(RuleIdle) == Enforce {
		ctx, h.cancel = context.WithCancelCause(ctx)
	}
	h.ctx = unitContext{Context: ctx, scope: &h.scope}
}

// of is the unit of the pool that h is or lies in; nil when there is none open.
func (h *Hold) of(pool *lot) *Hold {
	for ; h != nil; h = h.parent {
		if h.guard.lot == pool && !h.Over() {
			return h
		}
	}
	return nil
}

// Start begins a unit that Admit has made: its session is there. Take is what OnTaken
// sets; the owner is what the adapter knows it by, in Each.
func (h *Hold) Start(owner any, take func(busy bool)) {
	h.owner, h.take = owner, take
	h.since = now()
	h.guard.enlist(h)
}

func (g *Guard) hold(s *scope) *Hold {
	h := &Hold{guard: g, since: now()}
	h.scope.hold = h
	if s != nil {
		h.scope.holder, h.scope.witness, h.parent = s.holder, s.witness, s.hold
	}
	return h
}

func (g *Guard) enlist(h *Hold) {
	h.scope.count(1)
	g.tally.add(h)
	g.watchdog.arm(g, h.since)
}

// nested refuses a second session for a context that belongs to h, which has one.
func (g *Guard) nested(h *Hold) error {
	return g.Refuse(&IllegalStateError{
		Op: OpBegin.String(), State: "held already by this context", Rule: RuleNested,
		Opened: h.opened.site(), Used: []Site{here()},
		Advice: "pass the unit you hold down to the function that opens the second, " +
			"or open the second after the first has ended",
	})
}
