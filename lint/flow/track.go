package flow

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// Track is one handle, from where it came to be.
type Track struct {
	Kind  handle.Kind
	Fn    *ssa.Function
	Value ssa.Value
	Open  *ssa.Call // nil for a parameter
	Err   ssa.Value // the error beside it, if its opener gives one
	Param int       // the parameter that it came in by; -1 when it was opened here
	From  ssa.Value // the pool or session that it was taken from, where that is known

	Ends     []Event // calls that end it, and hand-overs to functions that do
	Uses     []Event // other calls of its methods
	Passes   []Event // calls that it is an argument of, to functions that neither end nor keep it
	Stores   []Store
	Spawns   []Event // go statements, and calls that start one, with it inside
	Carried  []Event // the same, with a context inside that has it among its values
	Returned []Event
	Unknown  []Event // where it goes out of sight
	Merged   bool    // it shares a name with something else: what holds for one need not hold for it

	p       *pkg
	aliases map[ssa.Value]bool // true: the handle itself; false: something that holds it
	todo    []ssa.Value

	contexts map[ssa.Value]bool // contexts that have it among their values
}

// Event is something that happens to a handle.
type Event struct {
	Instr    ssa.Instruction
	Method   string
	Deferred bool
	On       ssa.Value // what it was called on or passed as
}

// Store is a handle put into something. Base is what it was put into, Field where.
type Store struct {
	Instr ssa.Instruction
	Base  ssa.Value
	Field *types.Var // nil for maps, channels, slices and package variables
	What  string     // the holder, as people name it
	Held  bool       // what was stored is something that holds the handle
	Call  *Keep      // it happens in the function called here
	Owned bool       // somebody ends what is stored there, as the function called here knows
}

// Opened is where the handle came to be.
func (t *Track) Opened() token.Pos {
	if t.Open != nil {
		return t.Open.Pos()
	}
	return t.Value.Pos()
}

// Is says whether v is the handle itself, under any name.
func (t *Track) Is(v ssa.Value) bool { return t.aliases[v] }

// tracks lists the handles of the functions.
func (p *pkg) tracks(funcs []*ssa.Function) []*Track {
	var all []*Track
	for _, fn := range funcs {
		for i, param := range fn.Params {
			if k := p.paramKind(fn, param); k.Session() || k == handle.Rows {
				all = append(all, p.track(&Track{Kind: k, Fn: fn, Value: param, Param: i}))
			}
		}
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				if call, ok := instr.(*ssa.Call); ok {
					all = append(all, p.opened(fn, call)...)
				}
			}
		}
	}
	return all
}

// paramKind is what a parameter is: by its type, or, for a literal given to a
// library's own runner, by that.
func (p *pkg) paramKind(fn *ssa.Function, param *ssa.Parameter) handle.Kind {
	if fn.Signature.Recv() != nil && param == fn.Params[0] {
		return handle.None // the methods of a wrapper are its own business
	}
	if k := handle.Like(param.Type()); k != handle.None {
		return k
	}
	if call := runner(fn); call != nil && handle.Runner(calleeName(call)) && handle.GormDB(param.Type()) {
		return handle.Tx
	}
	return handle.None
}

// opened lists the handles that a call opens.
func (p *pkg) opened(fn *ssa.Function, call *ssa.Call) []*Track {
	kinds := p.opens(&call.Call)
	var all []*Track
	for result, kind := range kinds {
		t := &Track{Kind: kind, Fn: fn, Open: call, Param: -1, From: outermost(from(&call.Call))}
		t.Value, t.Err = results(call, result)
		if t.Value == nil {
			t.Value = call // nobody takes it
		}
		all = append(all, p.track(t))
	}
	return all
}

// opens is which results of a call are handles that it opened.
func (p *pkg) opens(call *ssa.CallCommon) map[int]handle.Kind {
	if s := p.summary(call); s != nil {
		kinds := map[int]handle.Kind{}
		for r, k := range s.Opens {
			kinds[r] = handle.Kind(k)
		}
		return kinds
	}
	name := methodName(call)
	recv := receiverType(call)
	res := call.Signature().Results()
	kinds := map[int]handle.Kind{}
	for i := range res.Len() {
		k := handle.Like(res.At(i).Type())
		switch {
		case recv == nil:
		case handle.GormDB(recv) && name == "Begin":
			kinds[i] = handle.Tx
		case k.Session() && handle.Opens(name) && handle.Source(recv):
			kinds[i] = k
		case k.Result() && handle.Queries(name) && (handle.Source(recv) || handle.Like(recv) == handle.Stmt), k == handle.Stmt && Prepares(call):
			kinds[i] = k
		}
	}
	return kinds
}

// results finds the value of a result, and the error beside it.
func results(call *ssa.Call, n int) (v, err ssa.Value) {
	if call.Call.Signature().Results().Len() == 1 {
		return call, nil
	}
	for _, ref := range *call.Referrers() {
		ex, ok := ref.(*ssa.Extract)
		switch {
		case !ok:
		case ex.Index == n:
			v = ex
		case ex.Type().String() == "error":
			err = ex
		}
	}
	return v, err
}

// from is what a handle is taken from: the receiver of its opener.
func from(call *ssa.CallCommon) ssa.Value {
	if call.IsInvoke() {
		return call.Value
	}
	if fn := call.StaticCallee(); fn != nil && fn.Signature.Recv() != nil && len(call.Args) > 0 {
		return call.Args[0]
	}
	return nil
}

// outermost is the handle around an embedded one that a promoted method is called on:
// sqlx.DB has sql.DB inside, and both are one pool.
func outermost(v ssa.Value) ssa.Value {
	switch x := v.(type) {
	case *ssa.UnOp:
		if fa, ok := x.X.(*ssa.FieldAddr); ok && embeds(fieldOf(fa), fa.X.Type()) {
			return fa.X
		}
	case *ssa.Field:
		if embeds(variable(x), x.X.Type()) {
			return x.X
		}
	}
	return v
}

func embeds(f *types.Var, outer types.Type) bool {
	return f != nil && f.Embedded() && handle.Of(outer) != handle.None && handle.Of(f.Type()) == handle.Of(outer)
}

func receiverType(call *ssa.CallCommon) types.Type {
	if v := from(call); v != nil {
		return v.Type()
	}
	return nil
}

// methodName is the name of the method or function that a call names.
func methodName(call *ssa.CallCommon) string {
	if call.IsInvoke() {
		return call.Method.Name()
	}
	if fn := call.StaticCallee(); fn != nil {
		if org := fn.Origin(); org != nil {
			fn = org
		}
		return fn.Name()
	}
	return ""
}

// calleeName is the full name of what a call reaches: path.Func or path.Type.Method.
func calleeName(call *ssa.CallCommon) string {
	var obj types.Object
	if call.IsInvoke() {
		obj = call.Method
	} else if fn := call.StaticCallee(); fn != nil {
		obj = fn.Object()
	}
	fn, ok := obj.(*types.Func)
	if !ok || fn.Pkg() == nil {
		return ""
	}
	if recv := fn.Signature().Recv(); recv != nil {
		if named, ok := handle.Named(recv.Type()); ok {
			return handle.Path(named) + "." + fn.Name()
		}
	}
	return handle.Unversioned(fn.Pkg().Path()) + "." + fn.Name()
}

// CalleeName is the full name of what a call reaches, without major versions.
func CalleeName(call *ssa.CallCommon) string { return calleeName(call) }

// MethodName is the bare name of what a call reaches.
func MethodName(call *ssa.CallCommon) string { return methodName(call) }

// runner is the call that a literal is handed to, if that is the only thing done with it.
func runner(fn *ssa.Function) *ssa.CallCommon {
	if fn.Parent() == nil {
		return nil
	}
	for _, ref := range literalUses(fn) {
		if call, ok := ref.(ssa.CallInstruction); ok {
			return call.Common()
		}
	}
	return nil
}

// literalUses are the instructions of the parent that use the literal.
func literalUses(fn *ssa.Function) []ssa.Instruction {
	var uses []ssa.Instruction
	for _, b := range fn.Parent().Blocks {
		for _, instr := range b.Instrs {
			if mc, ok := instr.(*ssa.MakeClosure); ok && mc.Fn == fn {
				uses = append(uses, usesThrough(mc)...)
				continue
			}
			for _, op := range instr.Operands(nil) {
				if *op == fn {
					uses = append(uses, instr)
				}
			}
		}
	}
	return uses
}

// usesThrough are the uses of a value, also under another type.
func usesThrough(v ssa.Value) []ssa.Instruction {
	var uses []ssa.Instruction
	for _, ref := range *v.Referrers() {
		if c, ok := ref.(*ssa.ChangeType); ok {
			uses = append(uses, usesThrough(c)...)
			continue
		}
		uses = append(uses, ref)
	}
	return uses
}

// Elsewhere says whether somebody else may answer for the handle's end: it was stored,
// returned or handed to what is not known, or its name stands for others as well.
func (t *Track) Elsewhere() bool {
	return t.Merged || len(t.Stores) > 0 || len(t.Returned) > 0 || len(t.Unknown) > 0
}
