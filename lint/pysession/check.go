package pysession

import (
	"context"
	"slices"

	"github.com/reeve-run/reeve/lint/rule"
)

// maxRounds bounds the learning: what calls teach travels one call a round.
const maxRounds = 8

// Check looks at the files together and reports what it finds in them. It is safe
// for concurrent use; each call runs its own python3 and ends it.
func Check(ctx context.Context, files []File) ([]rule.Finding, []rule.Skipped, error) {
	if len(files) == 0 {
		return nil, nil, nil
	}
	read, err := shapes(ctx, files)
	if err != nil {
		return nil, nil, err
	}
	p := newProject()
	var skipped []rule.Skipped
	for i, s := range read {
		if s.Error != "" {
			skipped = append(skipped, rule.Skipped{Path: files[i].Name, Reason: "does not parse: " + s.Error})
			continue
		}
		body, err := decode(s.Body)
		if err != nil {
			return nil, nil, err
		}
		p.add(files[i].Name, body)
	}
	return p.look(), skipped, nil
}

// look learns until nothing new is learnt, and then reports.
func (p *project) look() []rule.Finding {
	p.found = &collector{}
	for _, m := range p.modules {
		m.names = newEnv(nil, nil)
	}
	for range maxRounds {
		p.changed = false
		p.walk(false)
		if !p.changed {
			break
		}
	}
	p.walk(true)
	found := p.found.list
	slices.SortFunc(found, rule.Compare)
	return slices.CompactFunc(found, func(a, b rule.Finding) bool { return rule.Compare(a, b) == 0 })
}

func (p *project) walk(report bool) {
	for _, m := range p.modules {
		for _, fn := range m.funcs {
			fn.before, fn.calls = fn.calls, nil
		}
	}
	for _, m := range p.modules {
		w := &walker{p: p, m: m, env: m.names, report: report}
		w.body(m.body)
	}
	for _, m := range p.modules {
		for _, fn := range slices.Clone(m.funcs) {
			if fn.outer == nil {
				if fn.env == nil {
					fn.env = m.names
				}
				p.walkFunction(fn, report)
			}
		}
	}
}

// walkFunction walks one function with what is known of its parameters.
func (p *project) walkFunction(fn *function, report bool) {
	p.prepare(fn)
	w := &walker{p: p, m: fn.mod, fn: fn, env: newEnv(fn.env, fn), report: report}
	for i, prm := range fn.def.params {
		v := fn.params[i]
		if v == nil {
			v = &value{param: i + 1}
		}
		w.env.vars[prm.name] = v
	}
	p.ownersFrom(fn)
	w.body(fn.def.body)
	fn.names = w.env
	w.unjoined()
}

// ownersFrom notes which attributes a method ends: self.x.close() in any of them.
func (p *project) ownersFrom(fn *function) {
	if fn.class == nil || len(fn.def.params) == 0 || fn.static {
		return
	}
	me := fn.def.params[0].name
	each(fn.def.body, func(*stmt) bool { return true }, func(e *expr) {
		if e.op != opCall || e.kids[0] == nil || e.kids[0].op != opAttr || !closes(e.kids[0].name) {
			return
		}
		target := e.kids[0].kids[0]
		if target != nil && target.op == opAttr && target.kids[0] != nil && target.kids[0].op == opName && target.kids[0].name == me {
			fn.class.ends[target.name] = true
		}
	})
}
