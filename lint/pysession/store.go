package pysession

import (
	"fmt"

	"github.com/reeve-run/reeve/lint/rule"
)

// age is how old a holder is, beside a session that is put into it.
type age int

const (
	unsure  age = iota
	younger     // made here, after the session or for it
	request     // lives as long as one request
	self        // the object whose method this is
	passed      // came in as a parameter
	older       // was there before
)

// storeAttr is target.name = v.
func (w *walker) storeAttr(t *expr, v *value, s *stmt) {
	base := w.eval(t.kids[0])
	w.learnAttr(base, t.name, v)
	sessions := w.sessionsOf(v)
	escape(sessions)
	if len(sessions) == 0 || v.kind == many || v.kind == task {
		return
	}
	w.store(t, base, v, sessions, s)
}

// storeIndex is container[key] = v.
func (w *walker) storeIndex(t *expr, v *value, s *stmt) {
	inner := t.kids[0]
	w.eval(inner)
	sessions := w.sessionsOf(v)
	escape(sessions)
	if len(sessions) == 0 || v.kind != session && v.kind != instance || inner == nil {
		return
	}
	if inner.op == opAttr {
		w.store(inner, w.eval(inner.kids[0]), v, sessions, s)
		return
	}
	if inner.op == opName {
		if _, scope := w.env.lookup(inner.name); scope == w.m.names && w.env != w.m.names && w.fn != nil {
			w.reportStore(rule.Error, v, sessions[0], s.pos, "the module's "+inner.name)
		}
	}
}

// learnAttr notes what an attribute of a class of the project is.
func (w *walker) learnAttr(base *value, name string, v *value) {
	if base.kind != instance && base.kind != classRef || v.kind == unknown || v.kind == none {
		return
	}
	before := base.class.attrs[name]
	after := join(before, v)
	if before == nil || before.kind != after.kind {
		base.class.attrs[name] = after
		w.p.changedFor(base.class.readers)
	}
}

func (w *walker) store(t *expr, base, v *value, sessions []*origin, s *stmt) {
	o := sessions[0]
	switch w.ageOf(t.kids[0], base) {
	case younger:
		if base.kind == instance && !base.class.owns(t.name) {
			base.holds = appendNew(base.holds, sessions...)
		}
	case self:
		w.storeSelf(t, base, v, o, s)
	case passed:
		w.storeParam(t, base, v, o, s)
	case older:
		owned := base.kind == instance && base.class.owns(t.name)
		if !owned && !w.resets(t) {
			w.reportStore(rule.Error, v, o, s.pos, t.String())
		}
	case unsure:
		if !w.resets(t) {
			w.reportStore(rule.Warning, v, o, s.pos, t.String())
		}
	}
}

// storeSelf keeps a session in the method's own object. A constructor only
// remembers it: whoever makes the object decides how long it lives.
func (w *walker) storeSelf(t *expr, base, v *value, o *origin, s *stmt) {
	if w.fn == nil || base.kind != instance || base.class.owns(t.name) || w.resets(t) {
		return
	}
	if o.param > 0 && o.in == w.fn {
		w.learnKeep(o.param-1, t.name, s.pos)
		if w.fn.name != "__init__" && w.fn.called() == 0 {
			w.reportStore(rule.Warning, v, o, s.pos, t.String())
		}
		if w.fn.name == "__init__" && w.fn.called() == 0 && v.kind == session {
			w.reportStore(rule.Info, v, o, s.pos, t.String())
		}
		return
	}
	switch {
	case o.how == managed || o.how == provided || o.end != (pos{}):
		w.reportStore(rule.Error, v, o, s.pos, t.String())
	case o.how == opened && v.kind == session:
		w.reportStore(rule.Warning, v, o, s.pos, t.String())
	}
}

// learnKeep notes that the function keeps a parameter in its own object.
func (w *walker) learnKeep(i int, attr string, at pos) {
	if _, known := w.fn.keeps[i]; known {
		return
	}
	if w.fn.kept == nil {
		w.fn.kept = map[int]string{}
	}
	w.fn.keeps[i], w.fn.kept[i] = at, attr
	w.p.changedFor(w.fn.readers)
}

// storeParam puts a session on an object that the caller passed. If every caller
// that can be seen made the object for this call, it may hold it.
func (w *walker) storeParam(t *expr, base, v *value, o *origin, s *stmt) {
	if base.kind == instance && base.class.owns(t.name) || w.resets(t) {
		return
	}
	severity := rule.Error
	if root := rootOf(t.kids[0]); root != nil && w.fn != nil && root == t.kids[0] {
		fresh := 0
		for _, c := range w.fn.sites() {
			if b := c.args[base.param-1]; base.param > 0 && b != nil && b.kind == instance && b.fresh {
				fresh++
			}
		}
		if fresh > 0 && fresh == w.fn.called() {
			return
		}
	} else {
		severity = rule.Warning
	}
	w.reportStore(severity, v, o, s.pos, t.String())
}

// storeGlobal is name = v under "global name".
func (w *walker) storeGlobal(name string, v *value, s *stmt) {
	sessions := w.sessionsOf(v)
	escape(sessions)
	if len(sessions) == 0 || v.kind != session && v.kind != instance || w.fn == nil {
		return
	}
	w.reportStore(rule.Error, v, sessions[0], s.pos, "the module variable "+name)
}

// keepsAtCall looks at a call of a method that keeps what it is given in its own object.
func (w *walker) keepsAtCall(fn *function, bound map[int]*value, e *expr) {
	if fn.name == "__init__" || w.fn == nil {
		return
	}
	for i := range fn.keeps {
		v := bound[i]
		if v == nil || bound[0] == nil || v.kind != session {
			continue
		}
		holder := bound[0]
		switch {
		case holder.kind != instance || holder.fresh || holder.class.owns(fn.kept[i]):
		case holder.param == 1 && w.fn.class != nil:
			if v.origin.param > 0 && v.origin.in == w.fn {
				w.learnKeep(v.origin.param-1, fn.kept[i], e.pos)
			} else if v.origin.how == managed {
				w.reportStore(rule.Error, v, v.origin, e.pos, "self."+fn.kept[i])
			}
		default:
			w.reportStore(rule.Error, v, v.origin, e.pos, holder.class.name+"."+fn.kept[i])
		}
	}
}

func rootOf(e *expr) *expr {
	for e != nil && (e.op == opAttr || e.op == opIndex) {
		e = e.kids[0]
	}
	if e == nil || e.op != opName {
		return nil
	}
	return e
}

// ageOf tells how old the holder is that an expression names.
func (w *walker) ageOf(holder *expr, base *value) age {
	root := rootOf(holder)
	if root == nil || base.kind == external && perRequest[trimCall(base.name)] || base.kind == none {
		return request
	}
	v, scope := w.env.lookup(root.name)
	switch {
	case v.kind == external && perRequest[trimCall(v.name)] || root.name == "request" || root.name == "g":
		if through(holder, "app") {
			return older
		}
		return request
	case scope == nil:
		return unsure
	case w.fn != nil && scope == w.m.names || v.kind == classRef || v.kind == moduleRef:
		return older
	case v.param == 1 && w.fn != nil && w.fn.class != nil && !w.fn.static:
		if root == holder {
			return self
		}
		if base.fresh {
			return younger
		}
		return older
	case scope != w.env:
		return unsure
	case w.isParam(root.name):
		return passed
	case base.kind == instance && base.fresh || v.fresh:
		return younger
	case base.kind == instance && !base.fresh:
		return older
	case v.kind == external && capital(tail(trimCall(v.name))):
		return younger
	}
	return unsure
}

func through(e *expr, attr string) bool {
	for ; e != nil && e.op == opAttr; e = e.kids[0] {
		if e.name == attr {
			return true
		}
	}
	return false
}

func trimCall(name string) string {
	if n := len(name); n > 2 && name[n-2:] == "()" {
		return name[:n-2]
	}
	return name
}

func capital(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' }

func (w *walker) isParam(name string) bool {
	if w.fn == nil {
		return false
	}
	for _, p := range w.fn.def.params {
		if p.name == name {
			return true
		}
	}
	return false
}

// resets says whether the function sets the same attribute to None again: then
// it lends the session for a while, and takes it back.
func (w *walker) resets(t *expr) bool {
	if w.fn == nil {
		return false
	}
	name, found := t.String(), false
	eachStmt(w.fn.def.body, func(s *stmt) {
		if s.kind == "=" && s.value != nil && s.value.op == opNone && len(s.targets) == 1 && s.targets[0].String() == name {
			found = true
		}
	})
	return found
}

func eachStmt(body []stmt, see func(*stmt)) {
	for i := range body {
		s := &body[i]
		see(s)
		eachStmt(s.body, see)
		for _, arm := range s.arms {
			eachStmt(arm, see)
		}
		eachStmt(s.final, see)
	}
}

// String is a name or a chain of attributes as it is written.
func (e *expr) String() string {
	switch {
	case e == nil:
		return "..."
	case e.op == opName:
		return e.name
	case e.op == opAttr:
		return e.kids[0].String() + "." + e.name
	case e.op == opIndex:
		return e.kids[0].String() + "[...]"
	case e.op == opCall:
		return e.kids[0].String() + "(...)"
	}
	return "..."
}

func (w *walker) reportStore(severity rule.Severity, v *value, o *origin, at pos, holder string) {
	what := "the database session"
	if v.kind == instance {
		what = fmt.Sprintf("a %s that keeps the database session", v.class.name)
	}
	how := "which is older than the session and may use it after its end"
	if severity != rule.Error {
		how = "which may outlive it"
	}
	w.finding(rule.Stored, severity, at, fmt.Sprintf("%s is stored in %s, %s", what, holder, how), o)
}
