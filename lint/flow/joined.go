package flow

import (
	"go/token"

	"golang.org/x/tools/go/ssa"
)

// Joined says whether something is waited for after the goroutine was started.
func Joined(spawn ssa.Instruction) bool {
	for fn := spawn.Parent(); fn != nil; fn = fn.Parent() {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
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

func joins(instr ssa.Instruction) bool {
	switch instr := instr.(type) {
	case *ssa.UnOp:
		return instr.Op == token.ARROW
	case *ssa.Select:
		return true
	case ssa.CallInstruction:
		name := methodName(instr.Common())
		return name == "Wait" || name == "WaitAndRecover" || name == "Stop" || name == "Join"
	}
	return false
}
