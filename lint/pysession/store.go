package pysession

import (
	"fmt"

	"github.com/reeve-run/reeve/lint/rule"
)

// storeAttr is target.name = v.
func (w *walker) storeAttr(t *expr, v *value, s *stmt) {
	base := w.eval(t.kids[0])
	w.learnAttr(base, t.name, v)
	w.learnState(t, v)
	w.handsOver([]*value{v})
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
	if inner != nil && inner.op == opName {
		passedOn([]*value{v}) // whoever has the container can wait for it
	}
	sessions := w.sessionsOf(v)
	escape(sessions)
	if len(sessions) == 0 || v.kind == many || v.kind == task || v.kind == coroutine || inner == nil {
		return
	}
	if w.fn != nil {
		w.contain(inner, nothing, v, sessions, s)
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
	if w.onOwnClass(t, o) {
		w.learnKeep(o.param-1, t.name, s.pos)
		return
	}
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
	if w.fn == nil || w.fn.name == "__enter__" || w.fn.name == "__aenter__" || base.kind != instance || base.class.owns(t.name) || base.class.endsSession(o) || w.resets(t) {
		return
	}
	if o.param > 0 && o.in == w.fn {
		w.learnKeep(o.param-1, t.name, s.pos)
		if w.fn.name != "__init__" && w.fn.called() == 0 {
			w.reportStore(rule.Warning, v, o, s.pos, t.String())
		}
		if w.fn.name == "__init__" && w.fn.called() == 0 && v.kind == session && !o.framed {
			w.reportStore(rule.Info, v, o, s.pos, t.String())
		}
		return
	}
	switch {
	case (o.how == managed || o.how == provided || o.end != (pos{})) && !o.async:
		w.reportStore(rule.Warning, v, o, s.pos, t.String()) // a command or a thread may be alone with its object
	case o.how == managed || o.how == provided || o.end != (pos{}):
		w.reportStore(rule.Error, v, o, s.pos, t.String())
	case o.how == opened && v.kind == session:
		w.reportStore(rule.Warning, v, o, s.pos, t.String())
	}
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
	severity := rule.Error
	if w.resets(&expr{op: opName, name: name}) {
		severity = rule.Warning // lent for a while, but to every task and thread that comes by
	}
	w.reportStore(severity, v, sessions[0], s.pos, "the module variable "+name)
}

func (w *walker) reportStore(severity rule.Severity, v *value, o *origin, at pos, holder string) {
	what := "the database session"
	if v.kind == instance {
		what = fmt.Sprintf("a %s that keeps the database session", v.class.name)
	}
	how := "which is older than the session and may use it after its end"
	switch {
	case severity == rule.Error && o.how == opened && o.end == (pos{}) && !o.async:
		severity, how = rule.Warning, "where every user of it shares it, and nothing here ends it"
	case severity != rule.Error:
		how = "which may outlive it"
	}
	w.finding(rule.Stored, severity, at, fmt.Sprintf("%s is stored in %s, %s", what, holder, how), o)
}
