package pysession

import (
	"fmt"

	"github.com/reeve-run/reeve/lint/rule"
)

// pull is a session that was pulled out of a provider by hand, with next or anext.
type pull struct {
	session   *origin
	generator *value
	pos       pos
	unnamed   bool // nothing holds the generator after the call
}

// pull takes the next value of a generator. The provider's own end comes when
// somebody closes the generator, or when nothing holds it any more.
func (w *walker) pull(gen *value, e *expr, unnamed, async bool) *value {
	if gen.kind != generator || gen.of == nil {
		return nothing
	}
	v := gen.of
	if v.kind == session {
		v = &value{kind: session, async: v.async, origin: w.origin(opened, e.pos, v.async)}
		v.origin.pulled = true
		w.pulls = append(w.pulls, &pull{session: v.origin, generator: gen, pos: e.pos, unnamed: unnamed})
	}
	if async {
		return &value{kind: coroutine, of: v}
	}
	return v
}

// unreturned looks at what was pulled out of providers. A generator that nothing
// holds is finalised at once, and its session is ended in the middle of its use;
// one that is held but not closed is finalised whenever the collector finds it.
func (w *walker) unreturned() {
	for _, p := range w.pulls {
		ended := len(p.session.closers) > 0
		switch {
		case p.generator.ended || p.session.escapes && !p.unnamed:
		case ended && (!p.unnamed || !p.session.async):
		default:
			w.finding(rule.ProviderExit, rule.Error, p.pos,
				fmt.Sprintf("a session is taken out of its provider by hand, and the provider %s", fate(p)), p.session)
		}
	}
}

func fate(p *pull) string {
	if p.unnamed {
		return "ends when its generator is collected, while the session is in use"
	}
	return "is never brought to its end"
}
