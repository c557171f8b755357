package session

import (
	"runtime"
	"slices"
)

// circle decides whether a pool is dead: nothing in it is free, and each of its
// units belongs to somebody who waits for one more. It returns the youngest of
// the waiters, who is to fail, or nil.
//
// Who holds a unit is known in two ways. The waiter's context may descend from the
// unit's. Otherwise by the shape of stacks: the function that opened the unit, and
// the calls that led to it, are still on the stack of whoever is in there. Only when
// every goroutine of that shape is a waiter does its unit count as waiting; one
// that is anywhere else, or a unit whose function has returned, and there is no
// verdict. That errs towards silence, and needs no goroutine ids.
func circle(g *Guard, waiters []*Waiter) *Waiter {
	if len(waiters) == 0 {
		return nil
	}
	youngest := waiters[len(waiters)-1]
	holds := g.open()
	if len(holds) < youngest.size {
		return nil
	}
	var stacks [][]uintptr // taken at the first unit that needs them
	for _, h := range holds {
		if descends(h, waiters) {
			continue
		}
		if stacks == nil {
			stacks = goroutines()
		}
		if !allWait(h, waiters, stacks) {
			return nil
		}
	}
	if !slices.Equal(holds, g.open()) || !slices.Equal(waiters, g.queue.snapshot()) {
		return nil // something moved while we looked
	}
	e := &IllegalStateError{Op: OpBegin.String(), State: "waited for in a circle", Rule: RuleCircle,
		Used: []Site{resolve(youngest.pcs[:])}}
	if g.Refuse(e) == nil {
		return nil
	}
	return youngest
}

// descends says whether a waiter's context belongs to the unit.
func descends(h *Hold, waiters []*Waiter) bool {
	return slices.ContainsFunc(waiters, func(w *Waiter) bool {
		if w.scope == nil {
			return false
		}
		for up := w.scope.hold; up != nil; up = up.parent {
			if up == h {
				return true
			}
		}
		return false
	})
}

// allWait says whether every goroutine that could be the unit's is a waiter.
func allWait(h *Hold, waiters []*Waiter, stacks [][]uintptr) bool {
	s, ok := h.opened.shape()
	if !ok {
		return false
	}
	could, wait := 0, 0
	for _, stack := range stacks {
		if s.fits(stack) {
			could++
		}
	}
	for _, w := range waiters {
		if s.fits(trim(w.pcs[:])) {
			wait++
		}
	}
	return could > 0 && could == wait
}

// shape is the author's function on a stack, and the calls that led to it.
type shape struct {
	entry uintptr
	outer []uintptr
}

func (t *trace) shape() (shape, bool) {
	pcs := trim(t[:])
	for i, pc := range pcs {
		if foreign(pc) {
			return shape{entry: entry(pc), outer: pcs[i+1:]}, true
		}
	}
	return shape{}, false
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
