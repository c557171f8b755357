package pysession

// lambda is a function that carries what its body names.
func (w *walker) lambda(e *expr) *value {
	v := &value{kind: unknown}
	mine := map[string]bool{}
	for _, p := range e.params {
		mine[p.name] = true
	}
	eachExpr(e.kids[0], func(k *expr) {
		if k.op == opName && !mine[k.name] {
			v.carries = appendNew(v.carries, w.sessionsOf(w.name(k.name))...)
		}
	})
	escape(v.carries)
	return v
}

// sessionsOf are the sessions that a value brings with it.
func (w *walker) sessionsOf(v *value) []*origin { return w.sessionsAt(v, 0) }

func (w *walker) sessionsAt(v *value, depth int) []*origin {
	if v == nil || depth > deepest {
		return nil // a list may hold itself
	}
	switch v.kind {
	case session:
		return append([]*origin{v.origin}, v.carries...)
	case instance:
		return v.holds
	case external:
		return v.holds
	case many:
		var all []*origin
		for _, el := range v.elems {
			all = appendNew(all, w.sessionsAt(el, depth+1)...)
		}
		return all
	case funcRef:
		all := w.caught(v.fn)
		if v.self != nil && (v.self.kind != instance || v.self.class.touches(v.fn)) {
			all = appendNew(all, w.sessionsAt(v.self, depth+1)...)
		}
		return appendNew(all, v.carries...)
	}
	return v.carries
}

// caught are the sessions that a nested function uses from around it.
func (w *walker) caught(fn *function) []*origin {
	if fn.outer == nil || fn.env == nil || fn.locks() {
		return nil
	}
	mine := map[string]bool{}
	for _, p := range fn.def.params {
		mine[p.name] = true
	}
	each(fn.def.body, func(s *stmt) bool {
		for _, t := range s.targets {
			if t != nil && t.op == opName && s.kind != "e" {
				mine[t.name] = true
			}
		}
		for _, it := range s.items {
			if it.target != nil && it.target.op == opName {
				mine[it.target.name] = true
			}
		}
		return true
	}, func(*expr) {})
	var all []*origin
	each(fn.def.body, func(s *stmt) bool { return s.kind != "class" }, func(e *expr) {
		if e.op == opName && !mine[e.name] {
			if v, scope := fn.env.lookup(e.name); scope != nil && scope != fn.mod.names {
				if v.kind == session || v.kind == instance {
					all = appendNew(all, w.sessionsOf(v)...)
				}
			}
		}
	})
	return all
}

func appendNew(to []*origin, more ...*origin) []*origin {
	for _, o := range more {
		seen := false
		for _, have := range to {
			seen = seen || have == o
		}
		if !seen && o != nil {
			to = append(to, o)
		}
	}
	return to
}
