package pysession

// ownersFrom notes which attributes a method ends: self.x.close(), or the close of
// what comes out of self.x, in any of them.
func (p *project) ownersFrom(fn *function) {
	if fn.class == nil || len(fn.def.params) == 0 || fn.static {
		return
	}
	from := drawn{me: fn.def.params[0].name, names: map[string]string{}}
	eachStmt(fn.def.body, func(s *stmt) { from.learn(s) })
	each(fn.def.body, func(*stmt) bool { return true }, func(e *expr) {
		if e.op != opCall || e.kids[0] == nil || e.kids[0].op != opAttr || !closes(e.kids[0].name) {
			return
		}
		if attr := from.attr(e.kids[0].kids[0]); attr != "" {
			fn.class.ends[attr] = true
		}
	})
}

// drawn knows which names of a method stand for something out of its own attributes.
type drawn struct {
	me    string
	names map[string]string // a name, and the attribute that it came out of
}

func (d *drawn) learn(s *stmt) {
	if s.kind != "=" && s.kind != "for" || len(s.targets) != 1 {
		return
	}
	attr := d.attr(s.value)
	if attr == "" {
		return
	}
	eachExpr(s.targets[0], func(t *expr) {
		if t.op == opName {
			d.names[t.name] = attr
		}
	})
}

// attr is the attribute of the object that the expression takes something out of.
func (d *drawn) attr(e *expr) string {
	for e != nil {
		switch e.op {
		case opName:
			return d.names[e.name]
		case opAttr:
			if k := e.kids[0]; k != nil && k.op == opName && k.name == d.me {
				return e.name
			}
			e = e.kids[0]
		case opCall:
			if len(e.kids) == 2 && e.kids[0] != nil && e.kids[0].op == opName { // list(self.x)
				e = e.kids[1]
				continue
			}
			e = e.kids[0]
		case opIndex, opAwait, opStar:
			e = e.kids[0]
		default:
			return ""
		}
	}
	return ""
}
