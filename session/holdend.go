package session

// Close claims the unit for its last operation: a commit or a rollback. After
// it only End may follow.
func (h *Hold) Close(op Op) error {
	if h.state.CompareAndSwap(idle, closing|uint32(op)<<opShift) {
		return nil
	}
	return h.refuse(op, closing)
}

// End ends the unit, from whatever state it is in: later uses are refused. The
// first End counts; it says whether it was the first. The cause is what a
// refused use will show and match; it may be nil.
func (h *Hold) End(how End, cause error) bool {
	return h.end(how, cause)&phaseMask != ended
}

// Take is End for the owner of the session: it says whether the caller has to
// release it. When an operation is going on, or was when the unit ended, it is that
// operation's to release, because nobody else can without waiting for it: its Exit
// returns false.
func (h *Hold) Take(how End, cause error) bool {
	switch old := h.end(how, cause); old & phaseMask {
	case inUse:
		return old == waiting
	case ended:
		return old&inside == 0
	default:
		return true
	}
}

// end ends the unit unless it has ended, and gives the state it was in.
func (h *Hold) end(how End, cause error) (old uint32) {
	old = h.endListed(how, cause)
	if old&phaseMask != ended && h.cancel != nil {
		h.cancel(h.cause) // which may run the author's code, and so holds no lock
	}
	return old
}

// endListed ends the unit and takes it off the books.
func (h *Hold) endListed(how End, cause error) (old uint32) {
	t := h.guard.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		old = h.state.Load()
		next := ended | uint32(how)<<endShift
		switch {
		case old&phaseMask == ended:
			return old
		case old&phaseMask == inUse && old != waiting:
			next |= inside
		}
		h.cause = cause
		if h.state.CompareAndSwap(old, next) {
			t.remove(h, h.since.age())
			h.scope.count(-1)
			return old
		}
	}
}
