package pysession

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
