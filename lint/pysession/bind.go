package pysession

// match matches arguments with parameters, and lets the function learn from them.
func (w *walker) match(fn *function, self *value, args arguments, e *expr) map[int]*value {
	bound := map[int]*value{}
	first := 0
	if self != nil && fn.class != nil && !fn.static {
		bound[0], first = self, 1
	}
	for i, v := range args.list {
		if at := first + i; at < len(fn.def.params) && fn.def.params[at].kind == "p" {
			bound[at] = v
		}
	}
	for i, prm := range fn.def.params {
		if v := args.keys[prm.name]; v != nil {
			bound[i] = v
		}
	}
	w.looksAtFunction(fn)
	if fn.calls == nil {
		fn.calls = map[*function][]*callSite{}
	}
	fn.calls[w.reader] = append(fn.calls[w.reader], &callSite{pos: e.pos, args: bound})
	w.reader.callees = append(w.reader.callees, fn)
	for i, v := range bound {
		if i >= first && !fn.masked {
			w.teach(fn, i, v)
		}
	}
	return bound
}

// teach lets a parameter without an annotation be what it is called with.
func (w *walker) teach(fn *function, i int, v *value) {
	prm := fn.def.params[i]
	if known := fn.params[i]; known != nil && known.kind != none && known.kind != unknown {
		if known.kind == instance && v.kind == instance && len(known.holds) == 0 && len(v.holds) > 0 {
			known.holds = []*origin{{how: given, in: fn, mod: fn.mod, pos: fn.def.pos, param: i + 1, async: v.holds[0].async}}
			w.p.again(fn)
		}
		return
	}
	if prm.kind != "p" && prm.kind != "k" {
		return
	}
	var c value
	switch v.kind {
	case session:
		c = value{kind: session, async: v.async, origin: &origin{how: given, async: v.async, in: fn, mod: fn.mod, pos: fn.def.pos, param: i + 1}}
	case instance:
		c = value{kind: instance, class: v.class}
		if len(v.holds) > 0 {
			c.holds = []*origin{{how: given, in: fn, mod: fn.mod, pos: fn.def.pos, param: i + 1, async: v.holds[0].async}}
		}
	case factory, scoped, manager, classRef:
		c = *v
	default:
		return
	}
	c.param, c.fresh = i+1, false
	fn.params[i] = &c
	w.p.again(fn)
}
