package pysession

import "strings"

// What one function learns can change what others see. Each function, class and
// module keeps who has looked at it, so that a round walks only those again.

// readers are the functions and module bodies that have looked at something.
type readers map[*function]bool

// outermost is the function that is walked when fn is to be walked again.
func (fn *function) outermost() *function {
	for fn.outer != nil {
		fn = fn.outer
	}
	return fn
}

// changedFor marks all who have looked to be walked again.
func (p *project) changedFor(rs readers) {
	for fn := range rs {
		p.again(fn)
	}
}

func (p *project) again(fn *function) {
	if fn != nil {
		p.dirty[fn.outermost()] = true
	}
}

func (w *walker) looksAtFunction(fn *function) {
	if fn.readers == nil {
		fn.readers = readers{}
	}
	fn.readers[w.reader] = true
}

func (w *walker) looksAtClass(c *class) {
	if c.readers == nil {
		c.readers = readers{}
	}
	c.readers[w.reader] = true
}

// inOrder lists the modules so that what is imported comes before who imports it.
func (p *project) inOrder() []*module {
	var order []*module
	seen := map[*module]bool{}
	var visit func(*module)
	visit = func(m *module) {
		if seen[m] {
			return
		}
		seen[m] = true
		for _, i := range m.imports {
			if target := p.target(m, i); target != nil {
				visit(target)
			}
		}
		order = append(order, m)
	}
	for _, m := range p.modules {
		visit(m)
	}
	return order
}

// target is the module of the project that an import reaches into.
func (p *project) target(m *module, i imported) *module {
	full := m.absolute(i)
	if !i.whole && full != "" {
		if sub := p.resolve(m, full+"."+i.name); sub != nil {
			return sub
		}
	}
	if full == "" {
		return p.resolve(m, i.name)
	}
	return p.resolve(m, full)
}

// touches says whether any file imports a library that has sessions. Where none
// does, there is nothing to look for.
func (p *project) touches() bool {
	for _, m := range p.modules {
		for _, i := range m.imports {
			if lib, _, _ := strings.Cut(i.module, "."); lib == "sqlalchemy" || lib == "sqlmodel" || lib == "flask_sqlalchemy" {
				return true
			}
		}
	}
	return false
}

// collectImports lists the imports of a file, also those inside functions.
func collectImports(body []stmt) []imported {
	var all []imported
	eachStmt(body, func(s *stmt) {
		if s.kind == "import" {
			all = append(all, s.imports...)
		}
	})
	return all
}
