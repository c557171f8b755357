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
