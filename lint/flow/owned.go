package flow

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// collectEnded finds fields and package variables whose handle somebody in this package
// ends: who holds it there is its owner, and may keep it. It says whether there are new ones.
func (p *pkg) collectEnded(funcs []*ssa.Function) bool {
	before := len(p.ended)
	for _, fn := range funcs {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				switch instr := instr.(type) {
				case ssa.CallInstruction:
					p.endedBy(instr.Common())
				case *ssa.MakeClosure: // x.tx.Rollback, to be called later
					if method, bound := cutBound(instr.Fn.Name()); bound && endsAny(method) {
						p.markEnded(instr.Bindings[0])
					}
				}
			}
		}
	}
	return len(p.ended) > before
}

func (p *pkg) endedBy(call *ssa.CallCommon) {
	if endsAny(methodName(call)) {
		p.markEnded(from(call))
	}
	if s := p.summary(call); s != nil {
		for _, i := range s.Ends {
			if i < len(call.Args) {
				p.markEnded(call.Args[i])
			}
		}
	}
}

// markEnded notes every field on the way to a handle that is ended: an embedded handle
// ends through its outer field as well.
func (p *pkg) markEnded(v ssa.Value) {
	for v != nil {
		if f := variable(v); f != nil {
			p.ended[f] = true
		}
		v = within(v)
	}
}

// within is what a value was taken out of.
func within(v ssa.Value) ssa.Value {
	switch x := v.(type) {
	case *ssa.UnOp:
		return x.X
	case *ssa.FieldAddr:
		return x.X
	case *ssa.Field:
		return x.X
	case *ssa.MakeInterface:
		return x.X
	case *ssa.TypeAssert:
		return x.X
	case *ssa.Extract:
		return x.Tuple
	case *ssa.Next:
		return x.Iter
	case *ssa.Range:
		return x.X
	case *ssa.Lookup:
		return x.X
	case *ssa.IndexAddr:
		return x.X
	case *ssa.FreeVar:
		return outerVariable(x)
	}
	return nil
}

// variable is the field or package variable that an address, or what was loaded from one, is of.
func variable(v ssa.Value) *types.Var {
	switch x := v.(type) {
	case *ssa.UnOp:
		return variable(x.X)
	case *ssa.FieldAddr:
		return fieldOf(x)
	case *ssa.Field:
		if st, ok := x.X.Type().Underlying().(*types.Struct); ok {
			return st.Field(x.Field)
		}
	case *ssa.Global:
		f, _ := x.Object().(*types.Var)
		return f
	}
	return nil
}

func endsAny(method string) bool {
	return handle.Ends(handle.Tx, method) || handle.Ends(handle.Conn, method)
}

// Owned says whether the store goes to a field that somebody empties by ending what is in it.
func (p *pkg) Owned(st Store) bool {
	f := st.Field
	if f == nil && st.Base != nil {
		f = variable(st.Base)
	}
	if f == nil || st.Owned {
		return st.Owned
	}
	if p.ended[f] {
		return true
	}
	return f.Pkg() != p.pass.Pkg && f.Pkg() != nil && p.pass.ImportObjectFact(f, new(Ended))
}

// Owned says whether the store goes to a field that somebody empties by ending what is in it.
func (r *Result) Owned(st Store) bool { return r.pkg.Owned(st) }
