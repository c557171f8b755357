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
