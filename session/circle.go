package session

import "slices"

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
