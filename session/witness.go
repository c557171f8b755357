package session

import (
	"runtime"
	"time"
)

// Witness makes the garbage collector a second witness of a handle that belongs to
// the unit, such as its rows: when nobody can reach the handle any more, the unit
// breaks the rule leak. What names the handle in the report. Whoever ends the handle in
// the right way calls Stop on the result. The handle must not be reachable from the Hold.
//
// Age is the first witness: a handle that a waiting goroutine or an older object has
// kept is never collected.
func Witness[T any](handle *T, h *Hold, what string) runtime.Cleanup {
	return runtime.AddCleanup(handle, lost.report, lost{h, what})
}

// lost is what is left of a handle that was dropped.
type lost struct {
	hold *Hold
	what string
}

// report leaves the collector's goroutine at once: taking a session away may be slow.
func (l lost) report() { time.AfterFunc(0, l.accuse) }

func (l lost) accuse() {
	if l.hold.Over() {
		return
	}
	g := l.hold.guard
	e := &IllegalStateError{
		Op: "hold", State: "open, and its " + l.what + " can be reached by nobody", Rule: RuleLeak,
		Pool: g.name, Opened: l.hold.opened.site(), Used: []Site{l.hold.opened.site()},
		Advice: "close the rows (defer rows.Close()), and scan every row that QueryRow gave",
	}
	if g.Refuse(e) == nil {
		return
	}
	g.warner.warn(e)
	l.hold.abandon(e)
}
