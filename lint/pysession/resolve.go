package pysession

// imported is what an import binds its name to.
func (p *project) imported(m *module, i imported) *value {
	full := m.absolute(i)
	if i.whole {
		if target := p.resolve(m, full); target != nil && target != m {
			return &value{kind: moduleRef, module: target}
		}
		return &value{kind: external, name: full}
	}
	dotted := i.name
	if full != "" {
		dotted = full + "." + i.name
	}
	if target := p.resolve(m, full); target != nil && target != m && full != "" {
		if v := p.member(target, i.name, 0); v != nil {
			return kept(v)
		}
	}
	if target := p.resolve(m, dotted); target != nil && target != m {
		return &value{kind: moduleRef, module: target}
	}
	return &value{kind: external, name: dotted}
}

// member is a name of a module, through re-exports.
func (p *project) member(m *module, name string, depth int) *value {
	if m.names == nil || depth > deepest {
		return nil
	}
	if v := m.names.vars[name]; v != nil {
		return v
	}
	for _, imp := range m.byLocal[name] {
		if v := p.through(m, imp, imp.name, depth); v != nil {
			return v
		}
	}
	for _, imp := range m.byLocal["*"] {
		if v := p.through(m, imp, name, depth); v != nil {
			return v
		}
	}
	return nil
}

// through follows an import of m to a name.
func (p *project) through(m *module, imp imported, name string, depth int) *value {
	if imp.whole {
		return nil
	}
	target := p.resolve(m, m.absolute(imp))
	if target == nil || target == m {
		return nil
	}
	return p.member(target, name, depth+1)
}

// function makes the record of a definition, once.
func (p *project) function(m *module, c *class, outer *function, s *stmt) *function {
	if fn := m.known(s); fn != nil {
		return fn
	}
	fn := &function{mod: m, class: c, outer: outer, name: s.name, def: s, ends: map[int]bool{}, keeps: map[int]pos{}}
	fn.params = make([]*value, len(s.params))
	fn.yields = yields(s.body)
	m.funcs = append(m.funcs, fn)
	return fn
}

func (m *module) known(s *stmt) *function {
	if m.byDef == nil {
		m.byDef = map[*stmt]*function{}
	}
	for _, fn := range m.funcs[len(m.byDef):] {
		m.byDef[fn.def] = fn
	}
	return m.byDef[s]
}

// yields says whether the body makes its function a generator.
func yields(body []stmt) bool {
	found := false
	each(body, func(s *stmt) bool { return s.kind != "def" && s.kind != "class" }, func(e *expr) {
		found = found || e.op == opYield || e.op == opFrom
	})
	return found
}

// each calls see for every expression of the statements, and goes into those that enter allows.
func each(body []stmt, enter func(*stmt) bool, see func(*expr)) {
	for i := range body {
		s := &body[i]
		if !enter(s) {
			continue
		}
		for _, t := range s.targets {
			eachExpr(t, see)
		}
		eachExpr(s.value, see)
		for _, it := range s.items {
			eachExpr(it.value, see)
		}
		each(s.body, enter, see)
		for _, arm := range s.arms {
			each(arm, enter, see)
		}
		each(s.final, enter, see)
	}
}

func eachExpr(e *expr, see func(*expr)) {
	if e == nil {
		return
	}
	see(e)
	if e.op == opLambda {
		return
	}
	for _, k := range e.kids {
		eachExpr(k, see)
	}
	for _, k := range e.keys {
		eachExpr(k.value, see)
	}
	for _, l := range e.loops {
		eachExpr(l.iter, see)
	}
}

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

// prepare reads the decorators and annotations of a function.
func (p *project) prepare(fn *function) {
	w := &walker{p: p, m: fn.mod, env: fn.env, fn: fn, reader: fn}
	if w.env == nil {
		w.env = fn.mod.names
	}
	fn.gives, fn.masked = plain, false
	for _, d := range fn.def.marks {
		v := w.eval(d)
		switch {
		case v.kind != external:
		case tail(v.name) == "contextmanager":
			fn.gives = contextManager
		case tail(v.name) == "asynccontextmanager":
			fn.gives = asyncContextManager
		case v.name == "staticmethod":
			fn.static = true
		}
		fn.masked = fn.masked || !transparent[lastName(d)]
		if tail(v.name) == "property" || tail(v.name) == "cached_property" {
			fn.prop = true
		}
	}
	fn.static = fn.static || w.marked(fn.def, "staticmethod")
	fn.prop = fn.prop || w.marked(fn.def, "property") || w.marked(fn.def, "cached_property")
	for i, prm := range fn.def.params {
		p.prepareParam(w, fn, i, prm)
	}
}

// lastName is the last name of a decorator.
func lastName(d *expr) string {
	for d != nil && d.op == opCall {
		d = d.kids[0]
	}
	if d == nil || d.op != opName && d.op != opAttr {
		return ""
	}
	return d.name
}

func (p *project) prepareParam(w *walker, fn *function, i int, prm param) {
	if i == 0 && fn.class != nil && !fn.static {
		if w.marked(fn.def, "classmethod") {
			fn.params[0] = &value{kind: classRef, class: fn.class, param: 1}
		} else {
			fn.params[0] = &value{kind: instance, class: fn.class, param: 1}
		}
		return
	}
	from := &origin{how: given, in: fn, mod: fn.mod, pos: fn.def.pos, param: i + 1}
	var v *value
	if prm.note != nil {
		v = w.fromNote(prm.note, from)
	}
	if v == nil || v.kind == unknown {
		if dep := w.fromDependency(prm.def, from); dep.kind != unknown {
			v = dep
		}
	}
	if v != nil && v.kind != unknown {
		c := *v
		c.param, c.fresh = i+1, false
		if prm.kind == "*" || prm.kind == "**" {
			c = value{kind: many, of: v}
		}
		if fn.params[i] == nil || fn.params[i].kind == unknown || fn.params[i].kind == none {
			fn.params[i] = &c
		}
	}
}
