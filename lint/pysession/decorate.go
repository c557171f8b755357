package pysession

// prepare reads the decorators and annotations of a function.
func (p *project) prepare(fn *function) {
	w := &walker{p: p, m: fn.mod, env: fn.env, fn: fn, reader: fn}
	if w.env == nil {
		w.env = fn.mod.names
	}
	fn.gives, fn.masked = plain, false
	for _, d := range fn.def.marks {
		v := w.eval(d)
		switch {
		case v.kind != external:
		case tail(v.name) == "contextmanager":
			fn.gives = contextManager
		case tail(v.name) == "asynccontextmanager":
			fn.gives = asyncContextManager
		case v.name == "staticmethod":
			fn.static = true
		}
		fn.masked = fn.masked || !transparent[lastName(d)]
		if tail(v.name) == "property" || tail(v.name) == "cached_property" {
			fn.prop = true
		}
	}
	fn.static = fn.static || w.marked(fn.def, "staticmethod")
	fn.prop = fn.prop || w.marked(fn.def, "property") || w.marked(fn.def, "cached_property")
	w.promise(fn)
	for i, prm := range fn.def.params {
		p.prepareParam(w, fn, i, prm)
	}
}

// lastName is the last name of a decorator.
func lastName(d *expr) string {
	for d != nil && d.op == opCall {
		d = d.kids[0]
	}
	if d == nil || d.op != opName && d.op != opAttr {
		return ""
	}
	return d.name
}

func (p *project) prepareParam(w *walker, fn *function, i int, prm param) {
	if i == 0 && fn.class != nil && !fn.static {
		if w.marked(fn.def, "classmethod") {
			fn.params[0] = &value{kind: classRef, class: fn.class, param: 1}
		} else {
			fn.params[0] = &value{kind: instance, class: fn.class, param: 1}
		}
		return
	}
	from := &origin{how: given, in: fn, mod: fn.mod, pos: fn.def.pos, param: i + 1}
	var v *value
	if prm.note != nil {
		v = w.fromNote(prm.note, from)
	}
	if v == nil || v.kind == unknown {
		if dep := w.fromDependency(prm.def, from); dep.kind != unknown {
			v = dep
		}
	}
	if v != nil && v.kind != unknown {
		c := *v
		c.param, c.fresh = i+1, false
		if prm.kind == "*" || prm.kind == "**" {
			c = value{kind: many, of: v}
		}
		if fn.params[i] == nil || fn.params[i].kind == unknown || fn.params[i].kind == none {
			fn.params[i] = &c
		}
		if known := fn.params[i]; known.kind == instance && len(known.holds) == 0 {
			known.holds = w.serviceHolds(known, prm, from)
		}
	}
}
