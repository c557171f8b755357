package pysession

import (
	"context"
	"fmt"
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
		p.add(files[i].Name, s.body)
	}
	found, err := p.look(ctx)
	for _, m := range p.modules {
		if m.broken != "" {
			skipped = append(skipped, rule.Skipped{Path: m.path, Reason: "cannot be followed: " + m.broken})
		}
	}
	return found, skipped, err
}

// look learns until nothing new is learnt, and then reports.
func (p *project) look(ctx context.Context) ([]rule.Finding, error) {
	if !p.touches() {
		return nil, nil
	}
	p.found = &collector{}
	order := p.inOrder()
	for _, m := range order {
		m.names = newEnv(nil, nil)
		m.guard(func() { p.walkModule(m, false); p.walkFunctions(m, false) })
	}
	for range maxRounds {
		if len(p.dirty) == 0 || ctx.Err() != nil {
			break
		}
		p.walkDirty(order)
	}
	for _, m := range order {
		m.guard(func() { p.walkModule(m, true); p.walkFunctions(m, true) })
	}
	found := p.found.list
	slices.SortFunc(found, rule.Compare)
	return slices.CompactFunc(found, func(a, b rule.Finding) bool { return rule.Compare(a, b) == 0 }), context.Cause(ctx)
}

// walkDirty walks again who has seen what has changed, in an order that is the same each time.
func (p *project) walkDirty(order []*module) {
	dirty := p.dirty
	p.dirty = map[*function]bool{}
	for _, m := range order {
		m.guard(func() { p.walkDirtyIn(m, dirty) })
	}
}

func (p *project) walkDirtyIn(m *module, dirty map[*function]bool) {
	if dirty[m.top] {
		p.walkModule(m, false)
	}
	for _, fn := range slices.Clone(m.funcs) {
		if dirty[fn] {
			p.walkFunction(fn, false)
		}
	}
}

// guard keeps a fault of ours in one file from taking the others with it.
func (m *module) guard(walk func()) {
	if m.broken != "" {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			m.broken = fmt.Sprint(r)
		}
	}()
	walk()
}

func (p *project) walkModule(m *module, report bool) {
	m.top.forgetCalls()
	w := &walker{p: p, m: m, env: m.names, reader: m.top, report: report}
	w.body(m.body)
}

func (p *project) walkFunctions(m *module, report bool) {
	for _, fn := range slices.Clone(m.funcs) {
		if fn.outer == nil {
			p.walkFunction(fn, report)
		}
	}
}

// forgetCalls takes back the calls that fn made when it was last walked.
func (fn *function) forgetCalls() {
	for _, callee := range fn.callees {
		delete(callee.calls, fn)
	}
	fn.callees = fn.callees[:0]
}

// walkFunction walks one function with what is known of its parameters.
func (p *project) walkFunction(fn *function, report bool) {
	if fn.env == nil {
		fn.env = fn.mod.names
	}
	fn.forgetCalls()
	p.prepare(fn)
	w := &walker{p: p, m: fn.mod, fn: fn, reader: fn, env: newEnv(fn.env, fn), report: report}
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
	w.launches()
	w.unstopped()
	w.unended()
	w.unreturned()
}
