package pysession

// sharedSelf are the sessions behind methods of one object that are started together:
// gather(self.a(), self.b()) where the object's constructor keeps a session. It is the
// same session for all of them, whoever made the object.
func (w *walker) sharedSelf(all []*value) *origin {
	times := map[*class]int{}
	for _, v := range all {
		if v.kind != coroutine || v.self == nil || v.self.kind != instance || len(v.self.holds) > 0 || v.fn == nil || v.self.fresh {
			continue
		}
		c := v.self.class
		if o := c.keptSession(); o != nil && v.fn.uses(c.sessionAttrs(), map[*function]bool{}) {
			if times[c]++; times[c] > 1 {
				return o
			}
		}
	}
	return nil
}

// keptSession is the asynchronous session that the constructor is given and keeps.
func (c *class) keptSession() *origin {
	init := c.method("__init__")
	if init == nil {
		return nil
	}
	for i := range init.params {
		if _, keeps := init.keeps[i]; keeps && init.params[i] != nil && init.params[i].kind == session && init.params[i].async {
			return init.params[i].origin
		}
	}
	return nil
}

// uses says whether the method, or one that it calls on its own object, surely names one of the attributes.
func (fn *function) uses(attrs map[string]bool, seen map[*function]bool) bool {
	if seen[fn] || fn.class == nil || len(fn.def.params) == 0 {
		return false
	}
	seen[fn] = true
	me, found := fn.def.params[0].name, false
	each(fn.def.body, func(*stmt) bool { return true }, func(e *expr) {
		if e.op != opAttr || e.kids[0] == nil || e.kids[0].op != opName || e.kids[0].name != me {
			return
		}
		m := fn.class.method(e.name)
		found = found || attrs[e.name] || m != nil && m.uses(attrs, seen)
	})
	return found
}
