package pysession

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
	c := &value{kind: coroutine, of: result, fn: fn, self: f.self, carries: w.caught(fn)}
	for i, v := range bound {
		if i == 0 && f.self != nil && v.kind == instance && !v.class.touches(fn) {
			continue
		}
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
	if known := fn.yielded(); known != nil {
		item = known
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
	r := fn.returned()
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
