package flow

import (
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// Joined says whether something is waited for after the goroutine was started.
func Joined(spawn ssa.Instruction) bool {
	for fn := spawn.Parent(); fn != nil; fn = fn.Parent() {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				if fn == spawn.Parent() && handsOut(instr) {
					return true
				}
				if joins(instr) && (fn != spawn.Parent() || deferred(instr) || Reaches(spawn, instr)) {
					return true
				}
			}
		}
	}
	return false
}

func deferred(instr ssa.Instruction) bool {
	_, ok := instr.(*ssa.Defer)
	return ok
}

// handsOut says whether the caller gets a function that waits.
func handsOut(instr ssa.Instruction) bool {
	ret, ok := instr.(*ssa.Return)
	return ok && slices.ContainsFunc(ret.Results, func(v ssa.Value) bool {
		mc, ok := v.(*ssa.MakeClosure)
		return ok && joinsIn(mc.Fn.(*ssa.Function), 2)
	})
}

func joins(instr ssa.Instruction) bool { return joinsWithin(instr, 2) }

// joinsWithin says whether the instruction waits, or calls a function that does.
func joinsWithin(instr ssa.Instruction, depth int) bool {
	switch instr := instr.(type) {
	case *ssa.UnOp:
		return instr.Op == token.ARROW
	case *ssa.Select:
		return true
	case *ssa.Go:
		return false
	case ssa.CallInstruction:
		name := methodName(instr.Common())
		return strings.Contains(strings.ToLower(name), "wait") || name == "Stop" || name == "Join" ||
			joinsIn(instr.Common().StaticCallee(), depth)
	}
	return false
}

func joinsIn(fn *ssa.Function, depth int) bool {
	if fn == nil || depth == 0 {
		return false
	}
	for _, b := range fn.Blocks {
		if slices.ContainsFunc(b.Instrs, func(instr ssa.Instruction) bool { return joinsWithin(instr, depth-1) }) {
			return true
		}
	}
	return false
}
