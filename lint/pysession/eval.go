package pysession

import "slices"

// eval is what an expression stands for; calls on the way take effect.
func (w *walker) eval(e *expr) *value {
	if e == nil {
		return nothing
	}
	switch e.op {
	case opNone:
		return &value{kind: none}
	case opName:
		return w.name(e.name)
	case opAttr:
		return w.attrOf(w.eval(e.kids[0]), e)
	case opCall:
		return w.call(e)
	case opAwait:
		return w.await(e)
	case opYield:
		return w.yielded(e)
	case opFrom:
		if v := w.eval(e.kids[0]); v.kind == generator && v.of != nil {
			w.learnItem(v.of)
		}
		return nothing
	case opLambda:
		return w.lambda(e)
	case opOr:
		v := w.eval(e.kids[0])
		for _, k := range e.kids[1:] {
			v = join(v, w.eval(k))
		}
		return v
	case opList:
		return w.list(e)
	case opBind:
		v := w.eval(e.kids[1])
		if t := e.kids[0]; t != nil && t.op == opName {
			w.env.vars[t.name] = v
		}
		return v
	case opLoop:
		return w.comprehension(e)
	case opStar:
		return w.eval(e.kids[0])
	case opIndex:
		return w.index(e)
	}
	for _, k := range e.kids {
		w.eval(k)
	}
	return nothing
}

func (w *walker) name(n string) *value {
	v, scope := w.env.lookup(n)
	if scope != nil {
		if w.fn != nil && scope == w.m.names {
			w.sharedByModule(v)
			return kept(v)
		}
		return v
	}
	if w.m.names != nil && w.env != w.m.names {
		if v := w.p.member(w.m, n, 0); v != nil {
			return v
		}
	}
	if builtins[n] {
		return &value{kind: external, name: n}
	}
	return nothing
}

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
		return v.of
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

func (w *walker) list(e *expr) *value {
	v := &value{kind: many, fresh: true}
	for _, k := range e.kids {
		el := w.eval(k)
		if el.kind == session {
			el.origin.escapes = true
		}
		if k != nil && k.op == opStar && el.kind == many {
			v.elems = append(v.elems, el.elems...)
			v.of = join(v.of, el.of)
			v.spawned = el.spawned
			continue
		}
		v.elems = append(v.elems, el)
		v.of = join(v.of, el)
	}
	return v
}

func (w *walker) comprehension(e *expr) *value {
	scope := w.env
	w.env = newEnv(scope, scope.fn)
	defer func() { w.env = scope }()
	for _, l := range e.loops {
		src := w.eval(l.iter)
		el := nothing
		if (src.kind == many || src.kind == generator) && src.of != nil {
			el = src.of
		}
		w.assign(l.target, el, &stmt{pos: e.pos})
	}
	v := &value{kind: many, fresh: true}
	for _, k := range e.kids {
		el := w.eval(k)
		v.of = join(v.of, el)
		v.elems = append(v.elems, el, el) // it comes more than once
	}
	return v
}

func (w *walker) await(e *expr) *value {
	if k := e.kids[0]; k != nil && k.op == opCall {
		w.awaiting = true
	}
	v := w.eval(e.kids[0])
	w.awaiting = false
	w.misusedAwait(v, e)
	switch v.kind {
	case coroutine:
		w.usedInTime(v.carries)
		if isCall(e.kids[0]) {
			w.usedBeside(v)
		}
		if v.of != nil {
			return v.of
		}
		return nothing
	case task:
		if v.spawned != nil {
			v.spawned.joined = true
		}
		if v.of != nil {
			return v.of
		}
		return nothing
	case session, instance, external, many, factory:
		return v
	}
	return nothing
}

func (w *walker) yielded(e *expr) *value {
	v := w.eval(e.kids[0])
	w.learnItem(v)
	if v.kind == session && w.fn != nil {
		for _, o := range w.opens {
			if slices.Contains(w.sessionsOf(v), o.origin) {
				o.yielded = true
			}
		}
	}
	return nothing
}

func (w *walker) learnItem(v *value) {
	if w.fn == nil || v.kind == unknown {
		return
	}
	before := w.fn.item
	w.fn.item = join(before, v)
	if before == nil || w.fn.item.kind != before.kind {
		w.p.changedFor(w.fn.readers)
	}
}

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
		if v.self != nil {
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
