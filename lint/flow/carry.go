package flow

import (
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// carry follows a context that has the handle among its values, to the goroutines that
// get it. What else is done with a context says nothing about the handle.
func (t *Track) carry(ctx ssa.Value, at ssa.Instruction) {
	if ctx == nil || t.contexts[ctx] || ctx.Referrers() == nil {
		return
	}
	if t.contexts == nil {
		t.contexts = map[ssa.Value]bool{}
	}
	t.contexts[ctx] = true
	for _, ref := range *ctx.Referrers() {
		switch ref := ref.(type) {
		case *ssa.Go:
			t.Carried = append(t.Carried, Event{Instr: ref, On: ctx})
		case *ssa.Store:
			t.carryVariable(ref, ctx, at)
		case *ssa.MakeClosure:
			t.carryInto(ref, ctx)
		case *ssa.Call:
			t.carryOn(ref)
		}
	}
}

// carryOn is a call that is given the context, and may give back one made from it.
func (t *Track) carryOn(call *ssa.Call) {
	name := calleeName(&call.Call)
	if !strings.HasPrefix(name, "context.With") {
		return
	}
	made, _ := results(call, 0)
	t.carry(made, call)
}

// carryVariable is a variable that is set to the context: what reads it afterwards has it.
func (t *Track) carryVariable(s *ssa.Store, ctx ssa.Value, at ssa.Instruction) {
	a, ok := s.Addr.(*ssa.Alloc)
	if !ok || s.Val != ctx {
		return
	}
	for _, ref := range *a.Referrers() {
		switch ref := ref.(type) {
		case *ssa.UnOp:
			if Reaches(at, ref) {
				t.carry(ref, ref)
			}
		case *ssa.MakeClosure:
			if Reaches(at, ref) {
				t.carryInto(ref, a)
			}
		}
	}
}

func (t *Track) carryInto(mc *ssa.MakeClosure, v ssa.Value) {
	if !slices.Contains(mc.Bindings, v) {
		return
	}
	for _, use := range usesThrough(mc) {
		call, plain := use.(*ssa.Call)
		if _, spawned := use.(*ssa.Go); spawned || plain && starts(&call.Call) {
			t.Carried = append(t.Carried, Event{Instr: use, On: mc})
		}
	}
}

// carriers are the results of a function that are contexts with the handle in them.
func (t *Track) carriers(s *Summary) {
	for ctx := range t.contexts {
		for _, ref := range *ctx.Referrers() {
			ret, ok := ref.(*ssa.Return)
			if !ok || ret.Parent() != t.Fn {
				continue
			}
			for i, r := range ret.Results {
				back := Return{Param: t.Param, Result: i}
				if r == ctx && !slices.Contains(s.Carries, back) {
					s.Carries = append(s.Carries, back)
				}
			}
		}
	}
}
