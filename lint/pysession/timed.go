package pysession

import "github.com/reeve-run/reeve/lint/rule"

// timed is a block that is cancelled when its time is over.
type timed struct {
	stmt *stmt
	said bool
}

// bounded notes that a with statement sets a limit of time.
func (w *walker) bounded(v *value, s *stmt) {
	if v.kind == external && timeLimits[trimCall(v.name)] {
		w.timed = append(w.timed, &timed{stmt: s})
	}
}

// usedInTime looks at an await inside a bounded block, of work with sessions from outside of it.
func (w *walker) usedInTime(sessions []*origin) {
	if len(w.timed) == 0 {
		return
	}
	t := w.timed[len(w.timed)-1]
	for _, o := range sessions {
		if t.said || !o.async || o.param == 0 && o.mod == w.m && o.pos.line >= t.stmt.pos.line {
			continue
		}
		t.said = true
		w.finding(rule.WaitHolding, rule.Warning, t.stmt.pos,
			"the timeout cancels work that uses a session from outside the block: a statement may be cut off half-way, and the session is then unusable", o)
	}
}
