package pysession

import "slices"

// arguments are what a call passes, evaluated.
type arguments struct {
	list []*value
	keys map[string]*value
}

func (w *walker) arguments(e *expr) arguments {
	a := arguments{keys: map[string]*value{}}
	for _, k := range e.kids[1:] {
		v := w.eval(k)
		if k != nil && k.op == opStar {
			if v.kind == many {
				a.list = append(a.list, v.elems...)
				continue
			}
		}
		a.list = append(a.list, v)
	}
	for _, k := range e.keys {
		v := w.eval(k.value)
		if k.name != "" {
			a.keys[k.name] = v
		}
	}
	return a
}

// all are the values passed, in order of place, then of name.
func (a arguments) all(e *expr) []*value {
	out := a.list
	for _, k := range e.keys {
		if v := a.keys[k.name]; v != nil && k.name != "" {
			out = append(slices.Clip(out), v)
		}
	}
	return out
}

func (w *walker) call(e *expr) *value {
	awaited := w.awaiting
	w.awaiting = false
	callee := e.kids[0]
	if callee != nil && callee.op == opAttr {
		base := w.eval(callee.kids[0])
		args := w.arguments(e)
		return w.method(base, callee, args, e, awaited)
	}
	f := w.eval(callee)
	return w.apply(f, w.arguments(e), e, awaited)
}

// apply calls a value.
func (w *walker) apply(f *value, args arguments, e *expr, awaited bool) *value {
	switch f.kind {
	case external:
		return w.external(f, args, e, awaited)
	case classRef:
		return w.construct(f.class, args, e)
	case funcRef:
		return w.invoke(f, args, e, awaited)
	case factory:
		return w.open(args, e, f.async)
	case scoped:
		return f
	case instance:
		if m := f.class.method("__call__"); m != nil {
			return w.invoke(&value{kind: funcRef, fn: m, self: f}, args, e, awaited)
		}
	}
	return w.unknownCall(args, e)
}

// unknownCall is what a call gives of which nothing is known. Only where it is started
// as work of its own do the sessions matter that it was called with.
func (w *walker) unknownCall(args arguments, e *expr) *value {
	if f := e.kids[0]; f == nil || f.op != opAttr || !takers[f.name] && f.name != "discard" {
		passedOn(args.all(e))
	}
	if took := w.carried(args.all(e)); len(took) > 0 {
		return &value{took: took}
	}
	return nothing
}

// method calls base.name(args).
func (w *walker) method(base *value, callee *expr, args arguments, e *expr, awaited bool) *value {
	name := callee.name
	w.putInto(base, callee, args, e)
	switch base.kind {
	case session:
		w.unnamed(base, callee.kids[0], name)
		w.usedAgain(base, name, e)
		return w.sessionMethod(base, name, e)
	case scoped:
		w.scopedMethod(base, name, e)
		return nothing
	case factory:
		if name == "begin" {
			return &value{kind: manager, of: &value{kind: session, async: base.async, origin: w.origin(managed, e.pos, base.async)}}
		}
		return nothing
	case manager, generator:
		return w.providerMethod(base, name, e)
	case many:
		if name == "values" || name == "copy" {
			return base
		}
		w.appended(base, name, args)
		return nothing
	case task:
		if name == "join" || name == "result" {
			if base.spawned != nil {
				base.spawned.joined = true
			}
		}
		return nothing
	}
	return w.apply(w.attrOf(base, callee), args, e, awaited)
}

func (w *walker) sessionMethod(s *value, name string, e *expr) *value {
	switch {
	case closes(name):
		w.ends(s, e)
	case name == "begin": // what it begins gives the connection back at its own end
		escape(w.sessionsOf(s))
	case s.async && coroutines[name]:
		return &value{kind: coroutine, carries: []*origin{s.origin}}
	}
	return nothing
}

// ends notes that the expression ends the session.
func (w *walker) ends(s *value, e *expr) {
	for _, o := range w.sessionsOf(s) {
		o.end = e.pos
		o.closers = append(o.closers, e)
		if o.param > 0 && w.fn == o.in && !w.fn.ends[o.param-1] {
			w.fn.ends[o.param-1] = true
			w.p.changedFor(w.fn.readers)
		}
	}
}

// invoke calls a function of the project.
func (w *walker) invoke(f *value, args arguments, e *expr, awaited bool) *value {
	fn := f.fn
	w.handsOver(args.list)
	passedOn(args.all(e))
	bound := w.match(fn, f.self, args, e)
	for i, v := range bound {
		if v.kind == session && fn.ends[i] {
			w.ends(v, e)
		}
	}
	w.keepsAtCall(fn, bound, e)
	w.launched(fn, bound[0], e)
	if fn.remote && (awaited || !fn.def.async) && !fn.yields {
		w.waits(fn.name, e)
	}
	return w.given(f, bound, e)
}
