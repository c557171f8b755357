package pysession

// defineClass makes the record of a class, once, and binds its name.
func (p *project) defineClass(m *module, s *stmt, scope *env) {
	var c *class
	for _, known := range m.classes {
		if known.def == s {
			c = known
		}
	}
	if c == nil {
		c = &class{
			mod: m, name: s.name, pos: s.pos, def: s, methods: map[string]*function{},
			attrs: map[string]*value{}, keeps: map[string]pos{}, ends: map[string]bool{},
		}
		m.classes = append(m.classes, c)
	}
	scope.vars[s.name] = &value{kind: classRef, class: c}
	w := &walker{p: p, m: m, env: newEnv(scope, nil), reader: m.top}
	c.bases = c.bases[:0]
	for _, b := range s.bases {
		c.bases = append(c.bases, w.eval(b))
	}
	c.data = w.dataclass(s, c)
	c.fields = c.fields[:0]
	for i := range s.body {
		p.takeUp(w, c, &s.body[i])
	}
}

// takeUp takes up one statement of a class body.
func (p *project) takeUp(w *walker, c *class, s *stmt) {
	switch s.kind {
	case "def":
		fn := p.function(w.m, c, nil, s)
		fn.env = w.env.up
		if known := c.methods[s.name]; known == nil || !w.marked(s, "setter") {
			c.methods[s.name] = fn
		}
	case "=":
		for _, t := range s.targets {
			if t == nil || t.op != opName {
				continue
			}
			v := nothing
			if s.assigns {
				v = w.eval(s.value)
			}
			if s.note != nil {
				c.fields = append(c.fields, param{name: t.name, note: s.note})
				v = join(v, w.fromNote(s.note, &origin{how: given, mod: w.m, pos: s.pos}))
			}
			if v.kind != unknown && v.kind != none {
				c.attrs[t.name] = join(c.attrs[t.name], v)
			}
			w.env.vars[t.name] = v
		}
	case "class":
		p.defineClass(w.m, s, w.env)
	}
}

func (w *walker) dataclass(s *stmt, c *class) bool {
	for _, d := range s.marks {
		if d != nil && d.op == opCall {
			d = d.kids[0]
		}
		if v := w.eval(d); v.kind == external && (v.name == "dataclasses.dataclass" || v.name == "attr.s" || v.name == "attrs.define" || v.name == "attr.define") {
			return true
		}
	}
	return c.derives(map[string]bool{"pydantic.BaseModel": true, "typing.NamedTuple": true}, 0)
}

func (w *walker) marked(s *stmt, attr string) bool {
	for _, d := range s.marks {
		if d != nil && (d.op == opAttr || d.op == opName) && d.name == attr {
			return true
		}
	}
	return false
}
