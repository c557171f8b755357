package session

import (
	"fmt"
	"sync/atomic"
	"time"
)

// What is suspicious where the author has set no bound: it is logged, once a call
// site, and nobody is harmed.
const (
	suspiciousAge  = time.Minute
	suspiciousIdle = 10 * time.Second
)

// watchdog looks at the age of a guard's units, and at what they do. It is a timer
// that is set only while units are open, not a goroutine: nobody has to stop it.
type watchdog struct {
	due atomic.Int64 // when the next look is to be; 0 when none is
}

// arm sets the timer unless it is set. A look that is long overdue has been lost,
// with a bubble of testing/synctest that has ended.
func (w *watchdog) arm(g *Guard, at moment) {
	due, pace := w.due.Load(), g.pace()
	lost := int64(at) > due+int64(time.Minute) || due > int64(at)+int64(pace+time.Minute)
	if due != 0 && !lost {
		return
	}
	if w.due.CompareAndSwap(due, int64(at)+int64(pace)) {
		time.AfterFunc(pace, func() { w.look(g) })
	}
}

// pace is the time between two looks: what is found is found at most a quarter of its bound late.
func (g *Guard) pace() time.Duration {
	return max(min(g.limit.after, g.idle.after)/4, time.Millisecond)
}

// look reports what is too old or idle, and comes back while there are units of which more could be said.
func (w *watchdog) look(g *Guard) {
	w.due.Store(0) // before the look: a unit that it does not see sets the timer itself
	g.lot.settled()
	more := false
	var found []*IllegalStateError
	var whose []*Hold
	g.tally.each(func(h *Hold) {
		if h.guard != g {
			return
		}
		if e := h.suspect(); e != nil {
			found, whose = append(found, e), append(whose, h)
		}
		more = more || !h.tooOld || g.idle.told && !h.tooIdle
	})
	if more {
		w.arm(g, now())
	}
	for i, h := range whose {
		h.accuse(found[i])
	}
}

// suspect says what is wrong with a unit that goes on for too long, once for each
// rule; nil when nothing is. The caller holds the tally's lock.
func (h *Hold) suspect() *IllegalStateError {
	if h.state.Load() == waiting {
		h.got = now()
		return nil // it has no session that it could hold
	}
	g, age := h.guard, h.since.age()
	if h.got != 0 {
		age = h.got.age()
	}
	switch idle := h.idleFor(); {
	case age >= g.limit.after && !h.tooOld:
		h.tooOld = true
		return &IllegalStateError{
			State: fmt.Sprintf("held for longer than %s", g.limit.after), Rule: RuleLeak,
			Advice: "use Do, which ends the unit; and do not wait for anything else inside it",
		}
	case idle >= g.idle.after && !h.tooIdle:
		h.tooIdle = true
		return &IllegalStateError{
			State: fmt.Sprintf("idle in a transaction for longer than %s", g.idle.after), Rule: RuleIdle,
			Advice: "end the transaction before waiting for anything else, and open another for what comes after",
		}
	}
	return nil
}

// idleFor is how long a transaction is known to have done nothing. Two looks that
// find the mark of the first prove it, so that statements need not note the time:
// whoever enters the unit wipes the mark off by entering.
func (h *Hold) idleFor() time.Duration {
	s := h.state.Load()
	if phase := s & phaseMask; !h.tx.Load() || phase != idle && phase != streaming {
		return 0
	}
	if s&still != 0 {
		return h.stillSince.age()
	}
	h.stillSince = now()
	h.state.CompareAndSwap(s, s|still)
	return 0
}

// accuse logs what nobody can be given as an error; where the rule is enforced, the session is taken away.
func (h *Hold) accuse(e *IllegalStateError) {
	mode := h.guard.suspicion(e.Rule)
	if mode == Off {
		return
	}
	e.Op, e.Pool, e.Opened = "hold", h.guard.name, h.opened.site()
	at, waits := h.whereabouts()
	if e.Used = at; len(at) == 0 {
		e.Used = []Site{e.Opened}
	}
	if waits {
		e.State += ", and its function waits for another connection"
		e.Advice = "use the session that is held already; and limit the pool by the guard's WithMaxOpen in place of " +
			"db.SetMaxOpenConns, so that such a wait is refused at once"
	}
	if mode == Warn {
		h.guard.warner.warn(e)
		return
	}
	h.guard.warner.tell(e)
	h.guard.tally.refused(e.Rule)
	h.abandon(e)
}

// suspicion is the mode of a rule that goes by time: where the author has set
// neither a bound nor a mode, it is only told.
func (g *Guard) suspicion(r Rule) Mode {
	if m, ok := g.rules[r]; ok {
		return m
	}
	if r == RuleLeak && !g.limit.told || r == RuleIdle && !g.idle.told {
		return Warn
	}
	return Enforce
}

// abandon ends the unit and takes its session away.
func (h *Hold) abandon(cause error) {
	old := h.end(Abandoned, cause)
	if old&phaseMask != ended && h.take != nil {
		h.take(old&phaseMask == inUse)
	}
}
