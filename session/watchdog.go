package session

import (
	"fmt"
	"sync"
	"time"
)

// watchdog looks at the age of a guard's units. It is a timer that is set only
// while units are open, not a goroutine: nobody has to stop it.
type watchdog struct {
	mu  sync.Mutex
	set bool
}

func (w *watchdog) arm(g *Guard) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set {
		return
	}
	w.set = true
	time.AfterFunc(g.limit, func() { w.look(g) })
}

// look reports what is too old, and comes back when the next could be.
func (w *watchdog) look(g *Guard) {
	var old []*Hold
	next := time.Duration(-1)
	g.tally.each(func(h *Hold) {
		switch left := g.limit - time.Since(h.since); {
		case h.guard != g:
		case left <= 0 && !h.reported:
			h.reported = true
			old = append(old, h)
		case left > 0 && (next < 0 || left < next):
			next = left
		}
	})
	w.mu.Lock()
	w.set = next >= 0
	if w.set {
		time.AfterFunc(next, func() { w.look(g) })
	}
	w.mu.Unlock()
	for _, h := range old {
		h.tooOld()
	}
}

// tooOld breaks the rule leak: nobody can be given an error, so it is logged; where
// the rule is enforced, the session is taken away.
func (h *Hold) tooOld() {
	e := &IllegalStateError{
		Op: "hold", State: fmt.Sprintf("held for longer than %s", h.guard.limit), Rule: RuleLeak,
		Pool: h.guard.name, Opened: h.opened.site(), Used: []Site{h.opened.site()},
		Advice: "use Do, which ends the unit; and do not wait for anything else inside it",
	}
	mode := h.guard.rules[RuleLeak]
	if mode == Off {
		return
	}
	h.guard.warner.warn(e)
	if mode == Warn {
		return
	}
	h.guard.tally.refused(RuleLeak)
	h.abandon(e)
}

// abandon ends the unit and takes its session away.
func (h *Hold) abandon(cause error) {
	if !h.End(Abandoned, cause) {
		return // it ended meanwhile
	}
	if take := h.take.Load(); take != nil {
		(*take)()
	}
}

// OnTaken sets what takes the session away from a unit that has been held for too
// long, besides the cancellation of the unit's context. It is called once at most,
// from another goroutine, and must not wait.
func (h *Hold) OnTaken(take func()) { h.take.Store(&take) }
