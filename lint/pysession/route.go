package pysession

// route goes along the statements of a function, and knows whether the session is open.
type route struct {
	open    *opening
	closers map[*expr]bool
	leaks   []pos
	idle    []pos // ways out before anything was done with it: it holds no connection yet
	used    bool
	atYield bool
	caught  int // how many handlers around here close it
	risk    pos // an await that may raise while nothing closes it
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
		p.used = p.used || open && p.uses(s)
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
	if open && !safe && p.caught == 0 && p.risk == (pos{}) && awaitsIn(s) {
		p.risk = s.pos
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
	return p.within(s.body) && s.value != nil && (s.value.op == opName || s.value.op == opNotNone) && len(s.arms[0]) == 0
}

func (p *route) try(s *stmt, open, safe bool) (stillOpen, left bool) {
	ends, before := p.within(s.final), p.caught
	for _, arm := range s.arms[:len(s.arms)-1] {
		if p.within(arm) {
			p.caught = before + 1
		}
	}
	after, left := p.walk(s.body, open, safe || ends)
	p.caught = before
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
	switch {
	case safe:
	case p.used:
		p.leaks = append(p.leaks, at)
	default:
		p.idle = append(p.idle, at)
	}
}

// uses says whether the statement itself names the session.
func (p *route) uses(s *stmt) bool {
	found := false
	see := func(e *expr) {
		for _, t := range p.open.stmt.targets {
			found = found || e.op == opName && e.name == t.String()
		}
	}
	eachExpr(s.value, see)
	for _, it := range s.items {
		eachExpr(it.value, see)
	}
	for _, t := range s.targets {
		eachExpr(t, see)
	}
	return found
}

// within says whether the block closes the session anywhere.
func (p *route) within(body []stmt) bool {
	found := false
	each(body, func(*stmt) bool { return true }, func(e *expr) { found = found || p.closers[e] })
	return found
}

func awaitsIn(s *stmt) bool {
	found := false
	eachExpr(s.value, func(e *expr) { found = found || e.op == opAwait })
	return found
}

func yieldsIn(s *stmt) bool {
	found := false
	eachExpr(s.value, func(e *expr) { found = found || e.op == opYield })
	return found
}
