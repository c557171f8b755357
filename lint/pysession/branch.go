package pysession

import "maps"

// branch walks both arms from the same names and joins what they leave.
func (w *walker) branch(s *stmt) {
	w.eval(s.value)
	yes, no := w.narrowed(s.value)
	before := w.env.vars
	w.env.vars = fork(before, yes)
	w.body(s.body)
	then := w.env.vars
	w.env.vars = fork(before, no)
	for _, arm := range s.arms {
		w.body(arm)
	}
	switch {
	case leaves(s.body): // what comes after is the other arm's
	case len(s.arms) > 0 && leaves(s.arms[0]):
		w.env.vars = then
	default:
		for name, v := range then {
			w.env.vars[name] = w.merge(w.env.vars[name], v)
		}
	}
}

// merge joins what a name is after both arms. A session that is lost on the way is
// not followed any further.
func (w *walker) merge(a, b *value) *value {
	v := join(a, b)
	for _, one := range []*value{a, b} {
		if one != nil && one.kind == session && v.kind != session {
			escape(w.sessionsOf(one))
		}
	}
	return v
}

func leaves(body []stmt) bool {
	if len(body) == 0 {
		return false
	}
	switch body[len(body)-1].kind {
	case "return", "raise", "continue", "break":
		return true
	}
	return false
}

// fork copies the names, without what a test has ruled out.
func fork(vars map[string]*value, absent string) map[string]*value {
	c := make(map[string]*value, len(vars)+2)
	maps.Copy(c, vars)
	if absent != "" {
		if _, ok := c[absent]; ok {
			c[absent] = &value{kind: none}
		}
	}
	return c
}

// narrowed tells which name is None in the body, and which in the else.
func (w *walker) narrowed(test *expr) (body, orelse string) {
	if test == nil || len(test.kids) != 1 || test.kids[0] == nil || test.kids[0].op != opName {
		return "", ""
	}
	switch test.op {
	case opIsNone:
		return test.kids[0].name, ""
	case opNotNone:
		return "", test.kids[0].name
	}
	return "", ""
}
