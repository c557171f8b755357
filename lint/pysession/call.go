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

// maxElems bounds what is known of one list's elements.
const maxElems = 64

// appended keeps what is put into a list that is built here.
func (w *walker) appended(list *value, name string, args arguments) {
	if name != "append" && name != "add" && name != "extend" || len(args.list) != 1 {
		return
	}
	el := args.list[0]
	if name == "extend" && el.kind == many {
		if len(list.elems) < maxElems {
			list.elems = append(list.elems, el.elems...)
		}
		list.of = join(list.of, el.of)
		return
	}
	list.of = join(list.of, el)
	if el == list || len(list.elems) > maxElems || el.kind != task && len(w.sessionsOf(el)) == 0 {
		return
	}
	list.elems = append(list.elems, el)
	if len(w.loops) > 0 { // it may come again with the same session
		again := *el
		if again.carries = w.fromBefore(el.carries, w.loops[len(w.loops)-1]); len(again.carries) > 0 {
			list.elems = append(list.elems, &again)
		}
	}
}

// fromBefore are the sessions that were there before the loop began.
func (w *walker) fromBefore(all []*origin, l *stmt) []*origin {
	var before []*origin
	for _, o := range all {
		if o.pos.line < l.pos.line || o.param > 0 {
			before = append(before, o)
		}
	}
	return before
}

// construct makes an object of a class of the project.
func (w *walker) construct(c *class, args arguments, e *expr) *value {
	if async, ok := c.isSession(0); ok {
		return w.open(args, e, async)
	}
	v := &value{kind: instance, class: c, fresh: true}
	init := c.method("__init__")
	if init == nil || c.ends["*"] {
		escape(w.carried(args.all(e)))
	}
	if init == nil {
		if c.data {
			w.fill(v, c, args)
		}
		return v
	}
	bound := w.match(init, v, args, e)
	for i, at := range bound {
		_, keeps := init.keeps[i]
		switch {
		case keeps && c.owns(init.kept[i]):
			escape(w.sessionsOf(at))
		case keeps:
			v.holds = appendNew(v.holds, w.sessionsOf(at)...)
		}
	}
	return v
}

// fill gives a dataclass its fields.
func (w *walker) fill(v *value, c *class, args arguments) {
	for _, el := range args.list {
		v.holds = appendNew(v.holds, w.sessionsOf(el)...)
	}
	for _, f := range c.fields {
		if el := args.keys[f.name]; el != nil && !c.owns(f.name) {
			v.holds = appendNew(v.holds, w.sessionsOf(el)...)
		}
	}
}

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
	if fn.remote && (awaited || !fn.def.async) && !fn.yields {
		w.waits(fn.name, e)
	}
	return w.given(f, bound, e)
}

// given is what a call gives, seen from the caller.
func (w *walker) given(f *value, bound map[int]*value, e *expr) *value {
	fn := f.fn
	if fn.masked && (fn.yields || fn.def.async) {
		return w.masked(fn, bound)
	}
	if fn.yields {
		v := w.provider(fn, f.wrapped, e)
		if v.of == nil || v.of.kind != session {
			v.carries = w.caught(fn)
			for _, b := range bound {
				v.carries = appendNew(v.carries, w.sessionsOf(b)...)
			}
		}
		return v
	}
	result := w.fromResult(fn, bound, e)
	if !fn.def.async {
		return result
	}
	c := &value{kind: coroutine, of: result, fn: fn, carries: w.caught(fn)}
	for i, v := range bound {
		if !fn.ends[i] {
			c.carries = appendNew(c.carries, w.sessionsOf(v)...)
		}
	}
	return c
}

// masked is what a call through a decorator gives that is not known: nothing that
// could be relied on, but work with the sessions that it was called with.
func (w *walker) masked(fn *function, bound map[int]*value) *value {
	v := &value{}
	for _, b := range bound {
		v.took = appendNew(v.took, w.sessionsOf(b)...)
	}
	if fn.def.async && !fn.yields && len(v.took) > 0 {
		return &value{kind: coroutine, carries: v.took}
	}
	return v
}

func (w *walker) provider(fn *function, wrapped bool, e *expr) *value {
	item := nothing
	if fn.item != nil {
		item = fn.item
	}
	k := generator
	if fn.gives != plain || wrapped {
		k = manager
	}
	v := &value{kind: k, async: fn.def.async, fn: fn, of: kept(item)}
	if item.kind == session {
		v.of = &value{kind: session, async: item.async, origin: w.origin(managed, e.pos, item.async)}
	}
	return v
}

func (w *walker) fromResult(fn *function, bound map[int]*value, e *expr) *value {
	r := fn.result
	if r == nil {
		return nothing
	}
	switch r.kind {
	case session:
		if r.origin.param > 0 && r.origin.in == fn {
			if v := bound[r.origin.param-1]; v != nil && v.kind == session {
				return v
			}
		}
		h := given
		if r.origin.how == opened && r.origin.in == fn && r.origin.end == (pos{}) {
			h = opened
		}
		return &value{kind: session, async: r.async, origin: w.origin(h, e.pos, r.async)}
	case instance:
		if v := bound[r.param-1]; r.param > 0 && v != nil {
			return v // it gives back what it was given
		}
		c := *r
		c.holds, c.param = nil, 0
		for _, o := range r.holds {
			if o.param > 0 && o.in == fn {
				c.holds = appendNew(c.holds, w.sessionsOf(bound[o.param-1])...)
			}
		}
		return &c
	case coroutine, task:
		return nothing
	}
	return kept(r)
}
