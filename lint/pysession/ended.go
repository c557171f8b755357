package pysession

import (
	"fmt"
	"strings"

	"github.com/reeve-run/reeve/lint/rule"
)

// escape notes that somebody else may end the sessions: who opened them is no longer to blame.
func escape(sessions []*origin) {
	for _, o := range sessions {
		if o != nil {
			o.escapes = true
		}
	}
}

// handsOver notes that somebody else may close the generators.
func (w *walker) handsOver(vs []*value) {
	for _, v := range vs {
		if v.kind == generator {
			v.ended = true
		}
	}
}

// closesByName says whether a library's function sounds as if it ended what it is given.
func closesByName(name string) bool {
	last := strings.ToLower(tail(name))
	for _, word := range []string{"close", "clean", "dispose", "finali", "remove", "release", "register", "callback", "push", "closing"} {
		if strings.Contains(last, word) {
			return true
		}
	}
	return false
}

// unended looks at sessions opened into a name: is there a way out of the function
// that does not end them?
func (w *walker) unended() {
	if !w.report {
		return
	}
	for _, o := range w.opens {
		if o.origin.escapes || o.origin.how != opened || o.origin.pulled {
			continue
		}
		p := &route{open: o, closers: map[*expr]bool{}}
		for _, c := range o.origin.closers {
			p.closers[c] = true
		}
		if open, left := p.walk(w.fn.def.body, false, false); open && !left {
			p.leak(pos{w.fn.def.end, 1}, false)
		}
		w.reportLeak(o, p)
	}
}

// unnamed looks at a method called on a session that nobody keeps: nobody can close it.
func (w *walker) unnamed(s *value, receiver *expr, method string) {
	if !isCall(receiver) || receiver.pos != s.origin.pos || s.origin.how != opened || s.origin.pulled || !sessionMethods[method] || method == "begin" {
		return
	}
	severity := rule.Error
	if !s.async {
		severity = rule.Warning // it is closed when it is collected
	}
	w.finding(rule.NeverEnded, severity, s.origin.pos, "a session is opened here for one call, and nobody can close it", s.origin)
}

// leftToFramework looks at an open session that a dependency returns: the framework
// passes it on, and ends only what is yielded.
func (w *walker) leftToFramework(v *value) {
	if v.kind != session || w.fn == nil || !w.fn.framed || v.origin.how != opened || v.origin.in != w.fn || len(v.origin.closers) > 0 {
		return
	}
	w.finding(rule.NeverEnded, rule.Error, v.origin.pos, "a session is opened here for each request, and nobody closes it: a dependency that yields can", v.origin)
}

func (w *walker) reportLeak(o *opening, p *route) {
	if len(p.leaks) == 0 && len(p.idle) > 0 {
		w.finding(rule.NeverEnded, rule.Warning, o.origin.pos,
			fmt.Sprintf("a session is opened here, and the way out at line %d does not close it; nothing was done with it until then", p.idle[0].line), o.origin)
		return
	}
	if len(p.leaks) == 0 {
		if o.origin.async && p.risk != (pos{}) {
			w.finding(rule.NeverEnded, rule.Warning, o.origin.pos,
				fmt.Sprintf("a session is opened here, and an exception or a cancel at the await in line %d skips its close", p.risk.line), o.origin)
		}
		return
	}
	severity, message := rule.Error, fmt.Sprintf("a session is opened here, and the way out at line %d does not close it", p.leaks[0].line)
	if len(p.closers) == 0 {
		message = "a session is opened here and never closed"
		if !o.origin.async {
			severity = rule.Warning // it is closed when it is collected, if nothing still holds it
		}
	}
	if p.atYield {
		message = fmt.Sprintf("a session is opened here, and an exception at the yield in line %d skips its close", p.leaks[0].line)
	}
	w.finding(rule.NeverEnded, severity, o.origin.pos, message, o.origin)
}
