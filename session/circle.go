package session

import (
	"slices"
	"strings"
)

// suspicion is what one look at a pool has found: who is to fail, and the units as
// they were. A second look that finds the same confirms it.
type suspicion struct {
	guilty *Waiter
	holds  []*Hold
	states []uint32
}

// confirms says whether nothing has moved since an earlier look: the same units, and
// nobody has used one of them.
func (s suspicion) confirms(earlier suspicion) bool {
	return s.guilty == earlier.guilty && slices.Equal(s.holds, earlier.holds) && slices.Equal(s.states, earlier.states)
}

// circle decides whether a pool seems dead: nothing in it is free, and each of its
// units belongs to somebody who waits for one more. It tells the youngest of those, who
// is to fail.
//
// Who holds a unit is known in two ways. The waiter's context may descend from the
// unit's. Otherwise by the shape of stacks: the function that opened the unit, and
// the calls that led to it, are still on the stack of whoever is in there. A unit
// counts as waiting only when every goroutine of that shape is a waiter, and one of
// them, for each such unit, has got beyond the line that opened it; and when no other
// goroutine that the function has started is there, which it may have handed the unit
// to and which does not wait itself. A goroutine of the shape that is anywhere else, or a unit whose function has
// returned, and there is no verdict. That errs towards silence, and needs no goroutine ids.
func (l *lot) circle(waiters []*Waiter) suspicion {
	holds := l.open()
	if len(holds) < waiters[0].size {
		return suspicion{}
	}
	look := &look{waiters: waiters, guilty: -1}
	for _, h := range holds {
		if !look.waits(h, holds) {
			return suspicion{}
		}
	}
	if look.guilty < 0 || !slices.Equal(waiters, l.queue.snapshot()) {
		return suspicion{} // something moved while we looked
	}
	s := suspicion{guilty: waiters[look.guilty], holds: holds}
	for _, h := range holds {
		s.states = append(s.states, h.mark())
	}
	return s
}

// mark leaves a mark on a unit in which nobody is, that whoever enters it wipes off,
// and returns the state.
func (h *Hold) mark() uint32 {
	for {
		s := h.state.Load()
		if phase := s & phaseMask; phase != idle && phase != streaming || s&marked != 0 {
			return s
		}
		if h.state.CompareAndSwap(s, s|marked) {
			return s | marked
		}
	}
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
	could, handed := l.others(s)
	wait, beyond := 0, 0
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
	return could == wait && !handed && beyond >= alike(h, holds)
}

// others counts the goroutines of a shape, and says whether there is another that the
// shape's function has started.
func (l *look) others(s shape) (could int, handed bool) {
	literals := s.name() + "."
	for _, stack := range l.stacks {
		switch {
		case s.fits(stack):
			could++
		case slices.ContainsFunc(stack, func(pc uintptr) bool { return startedBy(pc, literals) }):
			handed = handed || !l.waiting(stack)
		}
	}
	return could, handed
}

// waiting says whether a goroutine's stack is that of a waiter, from the author's line on.
func (l *look) waiting(stack []uintptr) bool {
	return slices.ContainsFunc(l.waiters, func(w *Waiter) bool {
		theirs := trim(w.pcs[:])
		i := slices.IndexFunc(theirs, foreign)
		if i < 0 {
			return false
		}
		theirs = theirs[i:]
		at := slices.Index(stack, theirs[0])
		if at < 0 {
			return false
		}
		n := min(len(theirs), len(stack)-at)
		return slices.Equal(stack[at:at+n], theirs[:n])
	})
}

// startedBy says whether the call at pc is of a function literal, or of a go
// statement's own function, within the function whose name the prefix is.
func startedBy(pc uintptr, prefix string) bool {
	name, ok := strings.CutPrefix(functionOf(pc).name, prefix)
	return ok && (strings.HasPrefix(name, "func") || strings.HasPrefix(name, "gowrap"))
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
