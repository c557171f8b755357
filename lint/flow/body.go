package flow

import "golang.org/x/tools/go/ssa"

// loopBody says whether the function is the body of a loop over an iterator, which the
// iterator calls before the loop's statement is over.
func loopBody(fn *ssa.Function) bool { return fn.Synthetic == "range-over-func yield" }

// body is the loop body that a call of an iterator runs.
func body(instr ssa.Instruction) *ssa.Function {
	call, ok := instr.(*ssa.Call)
	if !ok || len(call.Call.Args) != 1 {
		return nil
	}
	if mc, ok := call.Call.Args[0].(*ssa.MakeClosure); ok {
		if fn := mc.Fn.(*ssa.Function); loopBody(fn) {
			return fn
		}
	}
	return nil
}

// loop is the call of the iterator that runs what is in the loop's body.
func loop(fn *ssa.Function) ssa.Instruction {
	if !loopBody(fn) {
		return nil
	}
	for _, use := range literalUses(fn) {
		if body(use) == fn {
			return use
		}
	}
	return nil
}
