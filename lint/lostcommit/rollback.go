package lostcommit

import (
	"go/token"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/rule"
)

// rollback finds a deferred rollback that asks an error variable which a return on an
// error leaves as it was: the transaction is then neither committed nor undone.
func rollback(pass *analysis.Pass, t *flow.Track, e flow.Event) bool {
	lit := e.Instr.Parent()
	d := deferring(lit)
	if d == nil || d.Parent() != t.Fn || t.Open == nil || t.Merged || commits(t, lit) {
		return false
	}
	for _, fv := range errorTests(lit, e.Instr) {
		variable, ok := binding(lit, fv).(*ssa.Alloc)
		if !ok || named(t.Fn, variable) {
			continue
		}
		for _, ret := range t.LeaksWithout(d) {
			if flow.Dominates(d, ret) && fails(ret) && shadows(ret, variable) {
				flow.Reportf(pass, rule.Error, flow.Position(e.Instr), t.Way(flow.Line(rule.Used, flow.Position(ret), "this return does not set the variable")),
					"the deferred Rollback decides by an error variable that a later return does not set: the transaction stays open")
				return true
			}
		}
	}
	return false
}

// commits says whether the literal commits as well: then that is what is looked at.
func commits(t *flow.Track, lit *ssa.Function) bool {
	return slices.ContainsFunc(t.Ends, func(e flow.Event) bool { return e.Method == "Commit" && e.Instr.Parent() == lit })
}

// fails says whether a return gives an error that is not nil by its form.
func fails(ret *ssa.Return) bool {
	return slices.ContainsFunc(ret.Results, func(r ssa.Value) bool {
		c, constant := r.(*ssa.Const)
		return r.Type().String() == "error" && (!constant || !c.IsNil())
	})
}

// shadows says whether the return stands in the check of an error that is in another
// variable, and in no check of this one.
func shadows(ret *ssa.Return, variable *ssa.Alloc) bool {
	another := false
	for _, v := range flow.ErrorsAt(ret) {
		if load, ok := v.(*ssa.UnOp); ok && load.Op == token.MUL {
			if load.X == ssa.Value(variable) {
				return false
			}
		}
		another = another || !stored(v, variable)
	}
	return another
}

func stored(v ssa.Value, variable *ssa.Alloc) bool {
	for _, ref := range *variable.Referrers() {
		if s, ok := ref.(*ssa.Store); ok && s.Val == v {
			return true
		}
	}
	return false
}
