package pysession

import (
	"fmt"
	"slices"

	"github.com/reeve-run/reeve/lint/rule"
)

// A method can start work on its own object, which only its caller knows to hold a
// session: Scheduler(session).start().

// stops are the methods by which an object waits for what it has started.
var stops = map[string]bool{
	"stop": true, "close": true, "aclose": true, "join": true, "wait": true, "cancel": true, "shutdown": true,
	"__exit__": true, "__aexit__": true, "terminate": true, "disconnect": true,
}

// onSelf says whether one of the values is work on the object whose method this is.
func (w *walker) onSelf(vs []*value) bool {
	return w.fn != nil && w.fn.class != nil && slices.ContainsFunc(vs, func(v *value) bool {
		return v != nil && v.self != nil && v.self.kind == instance && v.self.param == 1 && v.fn != nil && w.fn.class.touches(v.fn)
	})
}

// launches learns that the function starts work on its own object and does not wait for it.
func (w *walker) launches() {
	if w.fn != nil && !w.fn.launches && slices.ContainsFunc(w.spawns, func(s *spawn) bool { return s.onSelf && !s.joined && !s.group }) {
		w.fn.launches = true
		w.p.changedFor(w.fn.readers)
	}
}

// launched looks at a call of a method that starts work on its object, which holds a
// session that ends before it.
func (w *walker) launched(fn *function, self *value, e *expr) {
	if self == nil || self.kind != instance || len(self.holds) == 0 {
		return
	}
	if stops[fn.name] {
		w.launchings = slices.DeleteFunc(w.launchings, func(l launching) bool { return slices.Contains(self.holds, l.session) })
	}
	if fn.launches {
		w.launchings = append(w.launchings, launching{pos: e.pos, session: self.holds[0], what: fn.name})
	}
}

// launching is a call that has started work on an object with a session.
type launching struct {
	pos     pos
	session *origin
	what    string
}

func (w *walker) unstopped() {
	for _, l := range w.launchings {
		w.finding(rule.Spawned, rule.Warning, l.pos,
			fmt.Sprintf("%s starts work on an object that keeps the database session, and nothing here waits for it", l.what), l.session)
	}
}
