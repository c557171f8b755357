package pysession

// attr is x.name without a call.
func (w *walker) attr(base *value, name string) *value {
	switch base.kind {
	case session:
		if closes(name) { // s.close handed to somebody who will call it
			base.origin.escapes = true
		}
	case generator:
		base.ended = base.ended || closes(name) // likewise
	case moduleRef:
		if v := w.p.member(base.module, name, 0); v != nil {
			return v
		}
		if sub := w.p.resolve(w.m, base.module.dotted+"."+name); sub != nil {
			return &value{kind: moduleRef, module: sub}
		}
	case external:
		return &value{kind: external, name: base.name + "." + name, holds: base.holds}
	case instance, classRef:
		w.looksAtClass(base.class)
		if m := base.class.method(name); m != nil {
			if m.prop {
				return w.property(m)
			}
			return &value{kind: funcRef, fn: m, self: base}
		}
		if v := base.class.attr(name, 0); v != nil {
			return kept(v)
		}
	}
	return nothing
}

// kept is what is read back from an attribute: no longer made by who reads it.
func kept(v *value) *value {
	if !v.fresh && v.param == 0 {
		return v
	}
	c := *v
	c.fresh, c.param = false, 0
	return &c
}

func (w *walker) property(m *function) *value {
	w.looksAtFunction(m)
	if m.result == nil {
		return nothing
	}
	return kept(m.result)
}

func (w *walker) index(e *expr) *value {
	for _, k := range e.kids[1:] {
		w.eval(k)
	}
	v := w.eval(e.kids[0])
	if v.kind == many && v.of != nil {
		if v.fresh {
			return v.of
		}
		return kept(v.of)
	}
	if v.kind == external && (tail(v.name) == "Annotated" || tail(v.name) == "Optional") {
		return w.fromGeneric(subscripted(e), &origin{how: given, in: w.fn, mod: w.m})
	}
	if v.kind == external || v.kind == classRef { // sessionmaker[AsyncSession](...)
		return v
	}
	return nothing
}

// subscripted is x[a, b] in the form that an annotation has: its parts side by side.
func subscripted(e *expr) *expr {
	if len(e.kids) != 2 || e.kids[1] == nil || e.kids[1].op != opList {
		return e
	}
	flat := *e
	flat.kids = append([]*expr{e.kids[0]}, e.kids[1].kids...)
	return &flat
}
