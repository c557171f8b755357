package pysession

import "github.com/reeve-run/reeve/lint/rule"

// learnKeep notes that the function keeps a parameter in its own object.
func (w *walker) learnKeep(i int, attr string, at pos) {
	if _, known := w.fn.keeps[i]; known {
		return
	}
	if w.fn.kept == nil {
		w.fn.kept = map[int]string{}
	}
	w.fn.keeps[i], w.fn.kept[i] = at, attr
	w.p.changedFor(w.fn.readers)
}

// onOwnClass says whether a class method puts a parameter into its class: whoever
// calls it with a session is to blame.
func (w *walker) onOwnClass(t *expr, o *origin) bool {
	if w.fn == nil || w.fn.class == nil || w.fn.static || o.param == 0 || o.in != w.fn || w.fn.called() == 0 {
		return false
	}
	root := rootOf(t)
	return root != nil && root.name == w.fn.def.params[0].name && w.env.vars[root.name] != nil && w.env.vars[root.name].kind == classRef
}

// keepsAtCall looks at a call of a method that keeps what it is given in its own object.
func (w *walker) keepsAtCall(fn *function, bound map[int]*value, e *expr) {
	if fn.name == "__init__" || w.fn == nil || bound[0] == nil {
		return
	}
	for i := range fn.keeps {
		v := bound[i]
		if v == nil || v.kind != session && v.kind != instance {
			continue
		}
		if sessions := w.sessionsOf(v); len(sessions) > 0 {
			escape(sessions)
			w.keptBy(bound[0], fn.kept[i], v, sessions[0], e)
		}
	}
}

// keptBy is a session that a call puts into the holder's attribute.
func (w *walker) keptBy(holder *value, attr string, v *value, o *origin, e *expr) {
	if holder.kind != instance && holder.kind != classRef || holder.fresh || holder.class.owns(attr) {
		return
	}
	switch w.ageOfReceiver(holder, e) {
	case younger, request:
	case self:
		if o.param > 0 && o.in == w.fn {
			w.learnKeep(o.param-1, attr, e.pos)
		} else if o.how == managed || o.how == provided {
			w.reportStore(rule.Error, v, o, e.pos, "self."+attr)
		}
	default:
		w.reportStore(rule.Error, v, o, e.pos, holder.class.name+"."+attr)
	}
}

// ageOfReceiver is how old the object is whose method a call calls.
func (w *walker) ageOfReceiver(holder *value, e *expr) age {
	if e.kids[0] == nil || e.kids[0].op != opAttr || holder.kind == classRef {
		return older
	}
	return w.ageOf(e.kids[0].kids[0], holder)
}
