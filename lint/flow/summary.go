package flow

import (
	"go/types"
	"reflect"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// summarize makes the summaries of all functions from those there are, and says
// whether any has changed.
func (p *pkg) summarize(funcs []*ssa.Function) bool {
	changed := false
	for _, fn := range funcs {
		s := p.summaryOf(fn)
		if !reflect.DeepEqual(s, p.summaries[fn]) {
			p.summaries[fn], changed = s, true
		}
	}
	return changed
}

func (p *pkg) summaryOf(fn *ssa.Function) *Summary {
	s := &Summary{Opens: map[int]int{}, Waits: p.waits(fn), Takes: p.takes(fn), Retries: p.retries(fn), Runs: runs(fn)}
	for i, param := range fn.Params {
		k := handle.Like(param.Type())
		if !k.Session() && !k.Result() && k != handle.Stmt && !carrier(param.Type()) {
			continue
		}
		p.summarizeParam(s, p.track(&Track{Kind: k, Fn: fn, Value: param, Param: i}), i)
	}
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			switch instr := instr.(type) {
			case *ssa.Call:
				p.summarizeOpened(s, fn, instr)
			case *ssa.Return:
				for i, r := range instr.Results {
					if o := p.root(r); o.Age == Here && !o.Deep && !slices.Contains(s.Fresh, i) {
						s.Fresh = append(s.Fresh, i)
					}
				}
			}
		}
	}
	slices.Sort(s.Fresh)
	return s
}

// carrier says whether a value of the type may be, or hold, a handle: an interface that a handle fits in.
func carrier(t types.Type) bool {
	i, ok := types.Unalias(t).Underlying().(*types.Interface)
	return ok && i.NumMethods() > 0 && i.NumMethods() <= 24 && queries(i)
}

func queries(i *types.Interface) bool {
	for m := range i.Methods() {
		if handle.Queries(m.Name()) {
			return true
		}
	}
	return false
}

func (p *pkg) summarizeParam(s *Summary, t *Track, i int) {
	t.carriers(s)
	for _, e := range t.Spawns {
		if !t.Kind.Session() && !slices.Contains(s.Spawns, i) && !Joined(e.Instr) {
			s.Spawns = append(s.Spawns, i) // a session's own type is judged where the goroutine starts
		}
	}
	for _, e := range t.Ends {
		if !slices.Contains(s.Ends, i) && e.Instr != nil {
			s.Ends = append(s.Ends, i)
		}
	}
	if len(t.Unknown) > 0 {
		s.Hides = append(s.Hides, i)
	}
	for _, st := range t.Stores {
		if st.Base == nil && st.Call != nil {
			s.Keeps = append(s.Keeps, Keep{Param: i, Into: -1, Field: st.Call.Field})
			continue
		}
		owned := p.Owned(st)
		switch o := Root(st.Base); o.Age {
		case Passed:
			if o.Value.Parent() == t.Fn && o.Param != i {
				s.Keeps = addKeep(s.Keeps, Keep{Param: i, Into: o.Param, Field: fieldName(st.Field), Owned: owned})
			}
		case Program:
			s.Keeps = addKeep(s.Keeps, Keep{Param: i, Into: -1, Field: fieldName(st.Field), Owned: owned})
		}
	}
	for _, e := range t.Returned {
		ret, ok := e.Instr.(*ssa.Return)
		if !ok || ret.Parent() != t.Fn {
			continue
		}
		for r, v := range ret.Results {
			if itself, known := t.aliases[v]; known {
				back := Return{Param: i, Result: r, Held: !itself}
				if !slices.Contains(s.Returns, back) {
					s.Returns = append(s.Returns, back)
				}
			}
		}
	}
}

func addKeep(keeps []Keep, k Keep) []Keep {
	if slices.Contains(keeps, k) {
		return keeps
	}
	return append(keeps, k)
}

func fieldName(f *types.Var) string {
	if f == nil {
		return ""
	}
	return f.Name()
}

// summarizeOpened finds handles that the function opens and gives to its caller.
func (p *pkg) summarizeOpened(s *Summary, fn *ssa.Function, call *ssa.Call) {
	for _, t := range p.opened(fn, call) {
		for _, ret := range t.Leaks() {
			for r, v := range ret.Results {
				itself, known := t.aliases[v]
				switch {
				case itself:
					s.Opens[r] = int(t.Kind)
				case known && handle.Like(v.Type()).Session(): // in a wrapper
					s.Opens[r] = int(handle.Like(v.Type()))
				}
			}
		}
	}
}
