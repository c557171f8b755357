package flow

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// Take says that a function takes a connection from a pool of its caller's: the
// parameter itself, or what lies behind it in the fields of Path. It does so whatever
// the caller has open.
type Take struct {
	Param   int
	Path    string
	Session bool // a session is taken; else a statement is sent
	Pool    bool // what it takes from is a pool by its type; else an interface that may be one
	Sure    bool // on every way, but for errors; else a comparison of plain values decides
}

// takes lists what a function takes, for its summary: in itself, and in what it calls.
func (p *pkg) takes(fn *ssa.Function) []Take {
	var all []Take
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			call, ok := instr.(*ssa.Call)
			if !ok || !always(call) {
				continue
			}
			for _, f := range p.From(&call.Call) {
				param, ok := f.Spot.Root.(*ssa.Parameter)
				if !ok || param.Parent() != fn {
					continue
				}
				t := Take{Param: slices.Index(fn.Params, param), Path: f.Spot.Path, Session: f.Session, Pool: f.Pool, Sure: f.Sure && certain(call)}
				if len(all) < mostTakes && !slices.Contains(all, t) {
					all = append(all, t)
				}
			}
		}
	}
	return all
}

// mostTakes bounds a summary.
const mostTakes = 16

// Source is what a call takes a connection from.
type Source struct {
	Spot    Spot
	Session bool
	Pool    bool
	Layers  bool // it happens in what is called
	Sure    bool // on every way, but for errors
}

// From lists what a call takes connections from.
func (p *pkg) From(call *ssa.CallCommon) []Source {
	name := methodName(call)
	recv := from(call)
	if s := p.summary(call); s != nil {
		return p.layered(call, s)
	}
	if recv == nil || !handle.Opens(name) && !handle.Queries(name) {
		return nil
	}
	pool := handle.Of(recv.Type()) == handle.Pool
	if !pool && !carrier(recv.Type()) {
		return nil
	}
	spot, ok := SpotOf(recv)
	if !ok {
		return nil
	}
	return []Source{{Spot: spot, Session: handle.Opens(name), Pool: pool, Sure: true}}
}

func (p *pkg) layered(call *ssa.CallCommon, s *Summary) []Source {
	var all []Source
	for _, t := range s.Takes {
		if t.Param >= len(call.Args) {
			continue
		}
		spot, ok := SpotOf(call.Args[t.Param])
		if !ok {
			continue
		}
		spot.Path += t.Path
		all = append(all, Source{Spot: spot, Session: t.Session, Pool: t.Pool || t.Path == "" && poolInside(call.Args[t.Param]), Layers: true, Sure: t.Sure})
	}
	return all
}

// poolInside says whether a value is a pool, also under an interface.
func poolInside(v ssa.Value) bool {
	if mi, ok := v.(*ssa.MakeInterface); ok {
		v = mi.X
	}
	return handle.Of(v.Type()) == handle.Pool
}

// From lists what a call takes connections from.
func (r *Result) From(call *ssa.CallCommon) []Source { return r.pkg.From(call) }

// always says whether an instruction runs whatever the caller has open: what decides
// about it is an error, a comparison of plain values or a loop.
func always(instr ssa.Instruction) bool { return unless(instr, plain) }

// certain is always where nothing decides but errors and loops.
func certain(instr ssa.Instruction) bool { return unless(instr, passing) }

// unless says whether each condition that decides about an instruction is of a harmless kind.
func unless(instr ssa.Instruction, harmless func(ssa.Value) bool) bool {
	for b := instr.Block(); b != nil; b = b.Idom() {
		d := b.Idom()
		if d == nil || len(d.Succs) < 2 || !decides(d, instr.Block()) {
			continue
		}
		if cond, ok := d.Instrs[len(d.Instrs)-1].(*ssa.If); ok && !harmless(cond.Cond) {
			return false
		}
	}
	return true
}

// decides says whether only one of a block's branches leads to the other block.
func decides(d, to *ssa.BasicBlock) bool {
	for _, s := range d.Succs {
		if s.Dominates(to) && len(s.Preds) == 1 {
			return true
		}
	}
	return false
}

func plain(cond ssa.Value) bool {
	if c, ok := cond.(*ssa.BinOp); ok {
		if _, isNil := nilTest(c); !isNil {
			b, ok := c.X.Type().Underlying().(*types.Basic)
			return ok && b.Info()&types.IsBoolean == 0
		}
	}
	return passing(cond)
}

// passing says whether a condition asks for an error, or goes through a loop.
func passing(cond ssa.Value) bool {
	switch c := cond.(type) {
	case *ssa.BinOp:
		other, ok := nilTest(c)
		if ok {
			return other.Type().String() == "error"
		}
		return counts(c.X) // i < n
	case *ssa.Extract:
		_, ranged := c.Tuple.(*ssa.Next)
		return ranged
	case *ssa.Call:
		return methodName(&c.Call) == "Next"
	}
	return false
}

// counts says whether a value is the variable of a loop that counts.
func counts(v ssa.Value) bool {
	if add, ok := v.(*ssa.BinOp); ok && add.Op == token.ADD {
		v = add.X
	}
	_, ok := v.(*ssa.Phi)
	return ok
}

// Is says whether the source is for certain the given pool.
func (s Source) Is(pool ssa.Value) bool {
	spot, ok := SpotOf(pool)
	return ok && spot == s.Spot
}

// Prepares says whether a call prepares a statement.
func Prepares(call *ssa.CallCommon) bool {
	switch methodName(call) {
	case "Prepare", "PrepareContext", "Preparex", "PreparexContext", "PrepareNamed", "PrepareNamedContext":
		return true
	}
	return false
}

// Binds says whether a method gives its receiver's type back: a copy, bound to what it was given.
func Binds(call *ssa.Call) bool {
	recv := receiverType(&call.Call)
	res := call.Call.Signature().Results()
	return recv != nil && res.Len() == 1 && types.Identical(res.At(0).Type(), recv)
}

// Holds says whether v is the handle or holds it, under any name.
func (t *Track) Holds(v ssa.Value) bool {
	_, known := t.aliases[v]
	return known
}
