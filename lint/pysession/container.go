package pysession

import (
	"strings"

	"github.com/reeve-run/reeve/lint/rule"
)

// takers are the methods by which containers keep what they are given.
var takers = map[string]bool{
	"append": true, "appendleft": true, "add": true, "insert": true, "extend": true, "update": true,
	"setdefault": true, "put": true, "put_nowait": true,
}

// containers are the classes of the standard library that have such methods.
func container(v *value) bool {
	if v.kind == unknown || v.kind == many {
		return true
	}
	lib, _, _ := strings.Cut(v.name, ".")
	return v.kind == external && (lib == "collections" || lib == "queue" || lib == "weakref" || lib == "contextvars" ||
		strings.HasPrefix(v.name, "asyncio.Queue"))
}

// putInto looks at container.append(session) and its like.
func (w *walker) putInto(base *value, callee *expr, args arguments, e *expr) {
	holder := callee.kids[0]
	takes := takers[callee.name] || callee.name == "set" && base.kind == external
	if !takes || !container(base) || holder == nil || w.fn == nil {
		return
	}
	for _, v := range args.all(e) {
		sessions := w.sessionsOf(v)
		if len(sessions) == 0 || v.kind != session && v.kind != instance && v.kind != many {
			continue
		}
		if v.kind == many {
			v = &value{kind: session, origin: sessions[0]}
		}
		escape(sessions)
		w.contain(holder, base, v, sessions, &stmt{pos: e.pos})
		return
	}
}

// contain puts a session into the container that an expression names.
func (w *walker) contain(holder *expr, base, v *value, sessions []*origin, s *stmt) {
	switch holder.op {
	case opAttr:
		if holder.name == "app" { // request.app is the application itself
			w.reportStore(rule.Error, v, sessions[0], s.pos, holder.String())
			return
		}
		owner := w.eval(holder.kids[0])
		if w.ageOf(holder.kids[0], owner) != unsure {
			w.store(holder, owner, v, sessions, s)
		}
	case opName:
		_, scope := w.env.lookup(holder.name)
		if scope != w.m.names || w.env == w.m.names || w.resets(holder) {
			return
		}
		severity := rule.Error
		if base.kind == external && strings.HasPrefix(base.name, "contextvars.") {
			if resetIn(w.m.body, holder.String()) {
				return
			}
			severity = rule.Warning // each task has its own, until it starts another one
		}
		w.reportStore(severity, v, sessions[0], s.pos, "the module's "+holder.name)
	}
}
