package pysession

// resets says whether the function takes back what it puts into the target: it sets
// it to None or to what was there before, deletes it, or takes it out of the container.
// Then it only lends the session for a while.
func (w *walker) resets(t *expr) bool {
	if w.fn == nil {
		return false
	}
	name, found := t.String(), false
	before := w.savedFrom(name)
	eachStmt(w.fn.def.body, func(s *stmt) { found = found || s.takesBack(name, before) })
	return found
}

// resetIn says whether anything in the block resets the context variable.
func resetIn(body []stmt, name string) bool {
	found := false
	each(body, func(*stmt) bool { return true }, func(e *expr) { found = found || e.takesOut(name) })
	return found
}

// savedFrom are the names that the function has put the target's old value into.
func (w *walker) savedFrom(target string) map[string]bool {
	saved := map[string]bool{}
	eachStmt(w.fn.def.body, func(s *stmt) {
		if s.kind == "=" && s.value != nil && s.value.String() == target && len(s.targets) == 1 && s.targets[0] != nil {
			saved[s.targets[0].String()] = true
		}
	})
	return saved
}

func (s *stmt) takesBack(target string, saved map[string]bool) bool {
	switch s.kind {
	case "=":
		if len(s.targets) != 1 || s.value == nil || s.targets[0].String() != target {
			return false
		}
		return s.value.op == opNone || s.value.op == opName && saved[s.value.name]
	case "del":
		for _, t := range s.targets {
			if t.String() == target || t != nil && t.op == opIndex && t.kids[0].String() == target {
				return true
			}
		}
	}
	found := false
	eachExpr(s.value, func(e *expr) { found = found || e.takesOut(target) })
	return found
}

// takesOut says whether the expression removes something from the container.
func (e *expr) takesOut(container string) bool {
	if e.op != opCall || e.kids[0] == nil || e.kids[0].op != opAttr || e.kids[0].kids[0].String() != container {
		return false
	}
	switch e.kids[0].name {
	case "pop", "remove", "discard", "clear", "popitem", "popleft", "reset":
		return true
	}
	return false
}
