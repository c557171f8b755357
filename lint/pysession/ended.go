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
			p.leaks = append(p.leaks, pos{w.fn.def.end, 1})
		}
		w.reportLeak(o, p)
	}
}

func (w *walker) reportLeak(o *opening, p *route) {
	if len(p.leaks) == 0 {
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

// route goes along the statements of a function, and knows whether the session is open.
type route struct {
	open    *opening
	closers map[*expr]bool
	leaks   []pos
	atYield bool
}

// walk goes through a block. It says whether the session is open at its end, and
// whether every way has left the block before. Safe means that a finally ends it.
func (p *route) walk(body []stmt, open, safe bool) (stillOpen, left bool) {
	for i := range body {
		s := &body[i]
		if s == p.open.stmt {
			open = true
			continue
		}
		if open, left = p.step(s, open, safe); left {
			return open, true
		}
	}
	return open, false
}

func (p *route) step(s *stmt, open, safe bool) (stillOpen, left bool) {
	switch s.kind {
	case "def", "class", "import", "global":
		return open, false
	case "if":
		return p.branches(s, open, safe)
	case "for", "while", "with":
		inner, _ := p.walk(s.body, open, safe)
		if !open && inner && s.kind != "with" { // opened in the loop: the next turn loses it
			p.leak(s.pos, safe)
			return false, false
		}
		return inner && (open || s.kind == "with"), false
	case "try":
		return p.try(s, open, safe)
	case "switch":
		for _, arm := range s.arms {
			inner, _ := p.walk(arm, open, safe)
			open = open && inner
		}
		return open, false
	}
	if open && p.closes(s) {
		open = false
	}
	if open && yieldsIn(s) && !safe && len(p.closers) > 0 {
		p.atYield = true
		p.leak(s.pos, safe)
		return false, false
	}
	if s.kind == "return" || s.kind == "raise" {
		if open {
			p.leak(s.pos, safe)
		}
		return open, true
	}
	return open, s.kind == "break" || s.kind == "continue"
}

func (p *route) branches(s *stmt, open, safe bool) (stillOpen, left bool) {
	if open && p.asks(s) { // if session: session.close()
		return false, false
	}
	then, leftThen := p.walk(s.body, open, safe)
	other, leftOther := open, false
	if len(s.arms) > 0 {
		other, leftOther = p.walk(s.arms[0], open, safe)
	}
	switch {
	case leftThen && leftOther:
		return open, true
	case leftThen:
		return other, false
	case leftOther:
		return then, false
	}
	return then || other, false
}

// asks says whether the statement tests something before it closes the session:
// most often, whether there is one.
func (p *route) asks(s *stmt) bool {
	found := false
	each(s.body, func(*stmt) bool { return true }, func(e *expr) { found = found || p.closers[e] })
	return found && s.value != nil && (s.value.op == opName || s.value.op == opNotNone) && len(s.arms[0]) == 0
}

func (p *route) try(s *stmt, open, safe bool) (stillOpen, left bool) {
	ends := false
	each(s.final, func(*stmt) bool { return true }, func(e *expr) { ends = ends || p.closers[e] })
	after, left := p.walk(s.body, open, safe || ends)
	for i, arm := range s.arms {
		last := i == len(s.arms)-1 // the else of try
		if last {
			if !left {
				after, left = p.walk(arm, after, safe || ends)
			}
			continue
		}
		inHandler, leftHandler := p.walk(arm, open, safe || ends) // opened inside, it may be the opening that failed
		if !leftHandler {
			after, left = after && !left || inHandler, false
		}
	}
	if ends {
		return false, left
	}
	return after, left
}

func (p *route) closes(s *stmt) bool {
	found := false
	see := func(e *expr) { found = found || p.closers[e] }
	eachExpr(s.value, see)
	for _, t := range s.targets {
		eachExpr(t, see)
	}
	return found
}

func (p *route) leak(at pos, safe bool) {
	if !safe {
		p.leaks = append(p.leaks, at)
	}
}

func yieldsIn(s *stmt) bool {
	found := false
	eachExpr(s.value, func(e *expr) { found = found || e.op == opYield })
	return found
}
