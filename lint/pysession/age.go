package pysession

import "strings"

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
	if root == nil && isCall(holder) && base.kind == instance && !base.fresh && base.param == 0 {
		return older // what the call gives was there before
	}
	if root == nil || base.kind == external && perRequest[trimCall(base.name)] || base.kind == none {
		return request
	}
	v, scope := w.env.lookup(root.name)
	switch {
	case v.kind == external && perRequest[trimCall(v.name)] || requestNames[root.name] && (scope != w.m.names || v.kind != instance):
		if through(holder, "app") {
			return older
		}
		return request
	case scope == nil:
		return unsure
	case v.kind == external && (processWide[trimCall(v.name)] || strings.Contains(v.name, ".app.state.")):
		return older
	case w.fn != nil && scope == w.m.names || v.kind == classRef || v.kind == moduleRef:
		return older
	case v.param == 1 && w.fn != nil && w.fn.class != nil && !w.fn.static:
		if root == holder {
			return self
		}
		if base.fresh {
			return younger
		}
		if w.madeHere(holder) {
			return self
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

// madeHere says whether the function fills the holder's attribute with something it makes.
func (w *walker) madeHere(holder *expr) bool {
	name, found := holder.String(), false
	eachStmt(w.fn.def.body, func(s *stmt) {
		found = found || s.kind == "=" && isCall(s.value) && len(s.targets) == 1 && s.targets[0].String() == name
	})
	return found
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
