package pysession

import (
	"fmt"
	"slices"

	"github.com/reeve-run/reeve/lint/rule"
)

// returnedOpen looks at a return of a session, or of what uses it, out of the with
// statement that ends it.
func (w *walker) returnedOpen(v *value, at pos) {
	for _, h := range w.held {
		if !slices.Contains(w.sessionsOf(v), h.origin) {
			continue
		}
		what, severity := "the session", rule.Error
		switch v.kind {
		case session:
		case generator:
			what = "a generator that uses the session, and has not run yet,"
		case coroutine:
			what = "a coroutine that uses the session, and has not run yet,"
		case instance:
			what, severity = fmt.Sprintf("a %s that keeps the session", v.class.name), rule.Warning
		default:
			return
		}
		w.finding(rule.UsedAfterEnd, severity, at, what+" is returned out of the with statement that ends it", h.origin)
		return
	}
}

// usedAgain looks at the use of a session after the with statement that has ended it:
// it opens again without a word, and nobody closes it then.
func (w *walker) usedAgain(s *value, method string, e *expr) {
	if s.origin.over && s.origin.in == w.fn && sessionMethods[method] && method != "rollback" {
		w.finding(rule.UsedAfterEnd, rule.Warning, e.pos, "the session is used after the with statement that has ended it: it opens again, and nobody closes it", s.origin)
	}
}

// sharedByModule looks at the use of a session that was opened when a module was loaded.
func (w *walker) sharedByModule(v *value) {
	if v.kind != session || v.origin.how != opened || v.origin.in != nil || v.origin.mod == nil || v.origin.mod.script() {
		return
	}
	at := *w
	at.m = v.origin.mod
	at.finding(rule.Stored, rule.Warning, v.origin.pos, "a session is opened when the module is loaded, and every request and thread that comes by uses it", nil)
}

// script says whether the module is a program of its own.
func (m *module) script() bool {
	return slices.ContainsFunc(m.body, func(s stmt) bool {
		return s.kind == "if" && s.value != nil && s.value.op == opName && s.value.name == "__name__"
	})
}

// locks says whether the function takes a lock of asyncio's: its calls come one after the other.
func (fn *function) locks() bool {
	found := false
	eachStmt(fn.def.body, func(s *stmt) {
		for _, it := range s.items {
			if it.value != nil && it.value.op == opName {
				v, _ := fn.env.lookup(it.value.name)
				found = found || v.kind == external && trimCall(v.name) == "asyncio.Lock"
			}
		}
	})
	return found
}
