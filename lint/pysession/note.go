package pysession

// fromNote is the value that an annotation promises; from is where a session would come from.
func (w *walker) fromNote(note *expr, from *origin) *value {
	if note == nil {
		return nothing
	}
	switch note.op {
	case opUnion:
		return either(w.fromNote(note.kids[0], from), w.fromNote(note.kids[1], from))
	case opIndex:
		return w.fromGeneric(note, from)
	case opNone:
		return &value{kind: none}
	case opName, opAttr:
		return w.promised(w.eval(note), from)
	}
	return nothing
}

// either is a union in an annotation: None beside a session leaves a session, a
// factory beside a session leaves nothing that could be relied on.
func either(a, b *value) *value { return join(a, b) }

func (w *walker) fromGeneric(note *expr, from *origin) *value {
	if len(note.kids) < 2 {
		return nothing
	}
	base := w.eval(note.kids[0])
	inner := func(i int) *value { return w.fromNote(note.kids[i], from) }
	switch tail(base.name) {
	case "Annotated":
		for _, k := range note.kids[2:] {
			if dep := w.fromDependency(k, from); dep.kind != unknown {
				return dep
			}
		}
		return inner(1)
	case "Optional", "Final", "ClassVar", "Awaitable":
		return inner(1)
	case "Union":
		v := inner(1)
		for i := 2; i < len(note.kids); i++ {
			v = either(v, inner(i))
		}
		return v
	case "sessionmaker":
		return &value{kind: factory}
	case "async_sessionmaker":
		return &value{kind: factory, async: true}
	case "scoped_session", "async_scoped_session":
		return &value{kind: scoped}
	case "Callable":
		if v := inner(len(note.kids) - 1); v.kind == session {
			return &value{kind: factory, async: v.async}
		}
	case "list", "List", "Sequence", "Iterable", "tuple", "Tuple", "set", "Set":
		return &value{kind: many, of: inner(1)}
	case "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict":
		if len(note.kids) == 3 {
			return &value{kind: many, of: inner(2)}
		}
	case "AsyncGenerator", "AsyncIterator", "Generator", "Iterator", "AsyncIterable":
		return nothing // whether it is a provider is told by the function itself
	}
	if base.kind == classRef {
		return w.promised(base, from)
	}
	return nothing
}

// promised is an object of the class that an annotation names.
func (w *walker) promised(v *value, from *origin) *value {
	switch v.kind {
	case external:
		if async, ok := sessionType(v.name); ok {
			o := *from
			o.async = async
			return &value{kind: session, async: async, origin: &o}
		}
		if async, ok := factoryClasses[v.name]; ok {
			return &value{kind: factory, async: async}
		}
		if _, ok := scopedClasses[v.name]; ok {
			return &value{kind: scoped}
		}
		return &value{kind: external, name: v.name + "()"}
	case classRef:
		if async, ok := v.class.isSession(0); ok {
			o := *from
			o.async = async
			return &value{kind: session, async: async, origin: &o}
		}
		return &value{kind: instance, class: v.class}
	case session: // an alias such as SessionDep = Annotated[AsyncSession, Depends(get_db)]
		o := *from
		o.async, o.framed = v.async, v.origin.framed
		return &value{kind: session, async: v.async, origin: &o}
	case factory, scoped, instance:
		return v
	}
	return nothing
}

// isSession says whether a class of the project derives from a session class.
func (c *class) isSession(depth int) (async, ok bool) {
	if depth > deepest {
		return false, false
	}
	for _, b := range c.bases {
		if b.kind == external {
			if async, ok := sessionType(b.name); ok {
				return async, true
			}
		}
		if b.kind == classRef {
			if async, ok := b.class.isSession(depth + 1); ok {
				return async, true
			}
		}
	}
	return false, false
}

// fromDependency is what a framework passes for Depends(provider).
func (w *walker) fromDependency(e *expr, from *origin) *value {
	if e == nil || e.op != opCall || len(e.kids) < 2 {
		return nothing
	}
	if v := w.eval(e.kids[0]); v.kind != external || !dependencies[v.name] {
		return nothing
	}
	v := w.eval(e.kids[1])
	if v.kind == instance {
		if m := v.class.method("__call__"); m != nil {
			v = &value{kind: funcRef, fn: m, self: v}
		}
	}
	if v.kind != funcRef {
		return nothing
	}
	w.looksAtFunction(v.fn)
	v.fn.framed = true
	item := v.fn.returned()
	if v.fn.yields {
		item = v.fn.yielded()
	}
	if item == nil {
		return nothing
	}
	if item.kind == session {
		o := *from
		o.async, o.framed = item.async, true
		return &value{kind: session, async: item.async, origin: &o}
	}
	if item.kind == instance || item.kind == factory {
		c := *item
		c.fresh, c.holds = false, nil
		return &c
	}
	return nothing
}
