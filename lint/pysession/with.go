package pysession

func (w *walker) with(s *stmt) {
	depth, bounds := len(w.held), len(w.timed)
	groups := len(w.spawns)
	for _, it := range s.items {
		entered := w.eval(it.value)
		w.bounded(entered, s)
		v := w.enter(entered, s)
		w.enterAs(it.target, v, s)
		if v.kind == session {
			v.origin.over = false
			w.held = append(w.held, v)
		}
	}
	w.body(s.body)
	for _, h := range w.held[depth:] {
		h.origin.over = h.origin.how == managed
	}
	w.held, w.timed = w.held[:depth], w.timed[:bounds]
	w.leaveGroup(groups)
}

// enterAs binds what a with statement gives. In the object's own attribute it is
// there for the length of the block.
func (w *walker) enterAs(t *expr, v *value, s *stmt) {
	if t != nil && t.op == opAttr && v.kind == session {
		base := w.eval(t.kids[0])
		w.learnAttr(base, t.name, v)
		if w.ageOf(t.kids[0], base) == self {
			return
		}
	}
	w.assign(t, v, s)
}

// enter is what "as" gives.
func (w *walker) enter(v *value, s *stmt) *value {
	switch v.kind {
	case session:
		for _, o := range w.sessionsOf(v) {
			if o.how == opened {
				o.how = managed
			}
		}
		return v
	case manager:
		if v.of != nil && v.of.kind == session {
			return &value{kind: session, async: v.of.async, origin: w.origin(managed, s.pos, v.of.async)}
		}
		if v.of != nil {
			return v.of
		}
	case instance:
		name := "__enter__"
		if s.async {
			name = "__aenter__"
		}
		if m := v.class.method(name); m != nil && m.result != nil {
			r := m.result
			if r.kind == session {
				return &value{kind: session, async: r.async, origin: w.origin(managed, s.pos, r.async)}
			}
			if r.kind == instance {
				return v
			}
		}
		return v
	case external, coroutine:
		return v
	}
	return nothing
}
