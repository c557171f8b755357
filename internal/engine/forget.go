package engine

import (
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// forget removes what the scope failed of, so that it is done again: the paths that the failure names,
// the calls above them, and, where the author's code hid them, the failure that was the last
// thing in the scope. With each goes what its scope began after it: that was the code's answer to the failure.
func (r *records) forget(scope string, f reeve.Failure) {
	for _, path := range f.Paths {
		for p := path; p != scope && p != ""; p = parent(p) {
			r.drop(r.paths[p])
		}
	}
	for {
		rec := r.ops[opKey{scope, r.last[scope]}]
		if rec == nil || !rec.failed() {
			return
		}
		r.drop(rec)
		scope = rec.path
	}
}

// drop removes a failed outcome, and what came of it. A call keeps its beginning.
func (r *records) drop(rec *record) {
	if rec == nil || !rec.failed() {
		return
	}
	at := rec.closed.Seq
	rec.closed = nil
	if rec.kind != agent.OpCall {
		r.remove(rec)
	}
	for n := r.last[rec.scope]; n > rec.n; n-- {
		if after := r.ops[opKey{rec.scope, n}]; after != nil && after.followed(at) {
			r.remove(after)
		}
	}
}

// followed says whether the operation was begun after the position, by the code of the scope itself: a
// sibling branch is not an answer to another's failure.
func (rec *record) followed(at int64) bool {
	switch {
	case rec.branch:
		return false
	case rec.opened != nil:
		return rec.opened.Seq > at
	}
	return rec.closed != nil && rec.closed.Seq > at
}

// remove takes an operation out, and everything below it.
func (r *records) remove(rec *record) {
	delete(r.ops, opKey{rec.scope, rec.n})
	delete(r.paths, rec.path)
	for r.last[rec.scope] > 0 && r.ops[opKey{rec.scope, r.last[rec.scope]}] == nil {
		r.last[rec.scope]--
	}
	if rec.kind != agent.OpCall {
		return
	}
	for n := r.last[rec.path]; n > 0; n-- {
		if below := r.ops[opKey{rec.path, n}]; below != nil {
			r.remove(below)
		}
	}
}

func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return ""
	}
	return path[:i]
}

func (rec *record) failed() bool {
	if rec.closed == nil {
		return false
	}
	switch rec.closed.Kind {
	case reeve.KindStepFailed:
		return true
	case reeve.KindAgentReturned:
		var r reeve.AgentReturned
		return unmarshal(rec.closed, &r) == nil && r.Error != nil
	case reeve.KindAskAnswered: // an answer stays; a deadline that nobody met is asked again
		_, err := answerOf(rec.path, rec.closed)
		return err != nil
	}
	return false
}
