package pysession

// An object that holds a session may also have methods that leave it alone: one that
// sends a mail does not use the session of the service that it belongs to.

// touches says whether a method can use a session that its object's constructor keeps.
// It is true wherever that cannot be ruled out.
func (c *class) touches(method *function) bool {
	attrs := c.sessionAttrs()
	return len(attrs) == 0 || method.class == nil || method.static || method.reads(attrs, map[*function]bool{})
}

// sessionAttrs are the attributes that the constructor fills from the sessions it keeps.
func (c *class) sessionAttrs() map[string]bool {
	init := c.method("__init__")
	if init == nil || len(init.keeps) == 0 {
		return nil
	}
	me, from, attrs := init.def.params[0].name, map[string]bool{}, map[string]bool{}
	for i := range init.keeps {
		from[init.def.params[i].name] = true
	}
	eachStmt(init.def.body, func(s *stmt) {
		if s.kind != "=" || !mentions(s.value, me, from, attrs) {
			return
		}
		for _, t := range s.targets {
			if t != nil && t.op == opAttr {
				attrs[t.name] = true
			} else if t != nil && t.op == opName {
				from[t.name] = true
			}
		}
	})
	return attrs
}

// mentions says whether the expression names one of the names, or me.attr with one of the attributes.
func mentions(e *expr, me string, names, attrs map[string]bool) bool {
	found := false
	eachExpr(e, func(k *expr) {
		switch {
		case k.op == opName:
			found = found || names[k.name]
		case k.op == opAttr && k.kids[0] != nil && k.kids[0].op == opName && k.kids[0].name == me:
			found = found || attrs[k.name]
		}
	})
	return found
}

// reads says whether the method, or one that it calls on its own object, reads one of the attributes.
func (fn *function) reads(attrs map[string]bool, seen map[*function]bool) bool {
	if seen[fn] || len(fn.def.params) == 0 {
		return false
	}
	seen[fn] = true
	me, found, bare := fn.def.params[0].name, false, 0
	each(fn.def.body, func(*stmt) bool { return true }, func(e *expr) {
		switch {
		case e.op == opName && e.name == "super":
			found = true
		case e.op == opLambda:
			found = found || mentions(e.kids[0], me, map[string]bool{me: true}, nil)
		case e.op == opName && e.name == me:
			bare++
		case e.op == opAttr && e.kids[0] != nil && e.kids[0].op == opName && e.kids[0].name == me:
			bare--
			if m := fn.class.method(e.name); m != nil {
				found = found || m.class == nil || m.reads(attrs, seen)
			}
			found = found || attrs[e.name]
		}
	})
	return found || bare > 0 // it hands its object to somebody
}
