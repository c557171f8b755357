package neverended

import (
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// handover finds a constructor that gives its session to the caller inside what it has
// made, and on an error gives neither: then nobody can end it. What the holder's
// methods do on the way is not followed by path, so it is a warning.
func handover(pass *analysis.Pass, t *flow.Track) {
	if t.Merged || len(t.Unknown) > 0 || len(t.Spawns) > 0 || len(t.Returned) == 0 || !within(t) {
		return
	}
	for _, ret := range t.Leaks() {
		if flow.OnError(ret) && empty(ret) {
			related := append(t.Way(), flow.Line(rule.Escaped, flow.Position(ret), "the function is left here with the session open"))
			flow.Reportf(pass, rule.Warning, t.Open.Pos(), related,
				"%s is opened here, and a way out on an error neither ends it nor gives it to the caller", t.Name())
			return
		}
	}
}

// within says whether the session stays in what the function returns, itself or made, and
// nothing that gets the holder may end it.
func within(t *flow.Track) bool {
	for _, st := range t.Stores {
		if st.Base == nil || st.Call != nil || !flow.Root(st.Base).Made() {
			return false
		}
	}
	for _, e := range append(append([]flow.Event(nil), t.Uses...), t.Passes...) {
		if call, ok := e.Instr.(ssa.CallInstruction); ok && !t.Is(e.On) && mayEnd(call.Common().StaticCallee(), 0) {
			return false
		}
	}
	return true
}

// empty says whether a return gives nothing but an error.
func empty(ret *ssa.Return) bool {
	for _, r := range ret.Results {
		c, constant := r.(*ssa.Const)
		if r.Type().String() != "error" && (!constant || !c.IsNil()) {
			return false
		}
	}
	return len(ret.Results) > 1
}

// deepest bounds how far calls are followed.
const deepest = 3

// mayEnd says whether a function may end a session that one of its parameters holds.
func mayEnd(fn *ssa.Function, depth int) bool {
	if fn == nil || len(fn.Blocks) == 0 || depth > deepest {
		return true
	}
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			if call, ok := instr.(ssa.CallInstruction); ok && ends(call.Common(), depth) {
				return true
			}
		}
	}
	for _, lit := range fn.AnonFuncs {
		if mayEnd(lit, depth) {
			return true
		}
	}
	return false
}

func ends(call *ssa.CallCommon, depth int) bool {
	name := flow.MethodName(call)
	if on := flow.Receiver(call); on != nil && (handle.Ends(handle.Conn, name) || handle.Ends(handle.Tx, name)) {
		return flow.Root(on).Age == flow.Passed
	}
	for _, a := range call.Args {
		if root := flow.Root(a); root.Age == flow.Passed && !root.Deep && holds(a.Type()) && mayEnd(call.StaticCallee(), depth+1) {
			return true
		}
	}
	return false
}

// holds says whether a value of the type can hold a session: it points to a struct.
func holds(t types.Type) bool {
	p, ok := t.Underlying().(*types.Pointer)
	if !ok {
		return false
	}
	_, ok = p.Elem().Underlying().(*types.Struct)
	return ok
}
