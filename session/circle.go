package session

import (
	"runtime"
	"slices"
)

// circle decides whether a pool is dead: nothing in it is free, and each of its
// units belongs to somebody who waits for one more. It returns the youngest of those,
// who is to fail, or nil.
//
// Who holds a unit is known in two ways. The waiter's context may descend from the
// unit's. Otherwise by the shape of stacks: the function that opened the unit, and
// the calls that led to it, are still on the stack of whoever is in there. A unit
// counts as waiting only when every goroutine of that shape is a waiter, and one of
// them, for each such unit, has got beyond the line that opened it. A goroutine of the
// shape that is anywhere else, or a unit whose function has returned, and there is no
// verdict. That errs towards silence, and needs no goroutine ids.
func circle(g *Guard, waiters []*Waiter) *Waiter {
	holds := g.open()
	if len(waiters) == 0 || len(holds) < waiters[0].size {
		return nil
	}
	look := &look{waiters: waiters, guilty: -1}
	for _, h := range holds {
		if !look.waits(h, holds) {
			return nil
		}
	}
	if look.guilty < 0 || !slices.Equal(holds, g.open()) || !slices.Equal(waiters, g.queue.snapshot()) {
		return nil // something moved while we looked
	}
	w := waiters[look.guilty]
	e := &IllegalStateError{Op: OpBegin.String(), State: "waited for in a circle", Rule: RuleCircle, Used: []Site{resolve(w.pcs[:])}}
	if g.Refuse(e) == nil {
		return nil
	}
	return w
}

// look is one look at a pool's waiters.
type look struct {
	waiters []*Waiter
	stacks  [][]uintptr // of all goroutines; taken for the first unit that needs them
	guilty  int         // the youngest waiter so far that holds a unit
}

// waits says whether the unit belongs to a waiter.
func (l *look) waits(h *Hold, holds []*Hold) bool {
	for i, w := range l.waiters {
		if descends(h, w) {
			l.guilty = max(l.guilty, i)
			return true
		}
	}
	s, ok := h.opened.shape()
	if !ok {
		return false
	}
	if l.stacks == nil {
		l.stacks = goroutines()
	}
	could, wait, beyond := 0, 0, 0
	for _, stack := range l.stacks {
		if s.fits(stack) {
			could++
		}
	}
	for i, w := range l.waiters {
		stack := trim(w.pcs[:])
		if !s.fits(stack) {
			continue
		}
		wait++
		if s.pc != author(stack) {
			beyond++
			l.guilty = max(l.guilty, i)
		}
	}
	return could == wait && beyond >= alike(h, holds)
}

// alike counts the units that were opened by the same line on the same way.
func alike(h *Hold, holds []*Hold) int {
	n := 0
	for _, other := range holds {
		if other.opened == h.opened {
			n++
		}
	}
	return n
}

// descends says whether the waiter's context belongs to the unit.
func descends(h *Hold, w *Waiter) bool {
	if w.scope == nil {
		return false
	}
	for up := w.scope.hold; up != nil; up = up.parent {
		if up == h {
			return true
		}
	}
	return false
}

// shape is the author's line and function on a stack, and the calls that led to it.
type shape struct {
	pc    uintptr
	entry uintptr
	outer []uintptr
}

func (t *trace) shape() (shape, bool) {
	pcs := trim(t[:])
	i := slices.IndexFunc(pcs, foreign)
	if i < 0 {
		return shape{}, false
	}
	return shape{pc: pcs[i], entry: entry(pcs[i]), outer: pcs[i+1:]}, true
}

// author is the author's innermost line on a stack.
func author(pcs []uintptr) uintptr {
	if i := slices.IndexFunc(pcs, foreign); i >= 0 {
		return pcs[i]
	}
	return 0
}

func (s shape) fits(stack []uintptr) bool {
	for i, pc := range stack {
		if entry(pc) != s.entry {
			continue
		}
		rest := stack[i+1:]
		n := min(len(rest), len(s.outer))
		if slices.Equal(rest[:n], s.outer[:n]) {
			return true
		}
	}
	return false
}

// foreign says whether the call at pc is the author's, not the guard's.
func foreign(pc uintptr) bool {
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := frames.Next()
		if !ours(f) {
			return true
		}
		if !more {
			return false
		}
	}
}

// entry is where the function starts that the return address lies in.
func entry(pc uintptr) uintptr {
	f := runtime.FuncForPC(pc - 1)
	if f == nil {
		return 0
	}
	return f.Entry()
}

// trim cuts off the unused end.
func trim(pcs []uintptr) []uintptr {
	if i := slices.Index(pcs, 0); i >= 0 {
		return pcs[:i]
	}
	return pcs
}

// most is the number of goroutines beyond which no circle is looked for: the
// profile would cost more than the wait's own bound does.
const most = 100_000

// goroutines are the stacks of all goroutines.
func goroutines() [][]uintptr {
	n := runtime.NumGoroutine()
	if n > most {
		return nil
	}
	records := make([]runtime.StackRecord, n+n/4+10)
	n, ok := runtime.GoroutineProfile(records)
	if !ok {
		return nil // they grew meanwhile; the next look sees them
	}
	stacks := make([][]uintptr, n)
	for i := range stacks {
		stacks[i] = records[i].Stack()
	}
	return stacks
}
