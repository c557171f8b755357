package lostcommit

import (
	"go/token"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds deferred commits that do not know that the work has failed.
var Analyzer = &analysis.Analyzer{
	Name:     rule.LostCommit,
	Doc:      "find deferred commits that run although the work has failed",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	for _, t := range flow.Of(pass).Tracks {
		if t.Kind != handle.Tx {
			continue
		}
		for _, e := range t.Ends {
			if e.Method == "Commit" {
				look(pass, t, e)
			}
			if e.Method == "Rollback" && rollback(pass, t, e) {
				break
			}
		}
	}
	return nil, nil
}

func look(pass *analysis.Pass, t *flow.Track, commit flow.Event) {
	if commit.Deferred && commit.Instr.Parent() == t.Fn {
		severity := rule.Warning
		if writes(t) {
			severity = rule.Error
		}
		flow.Reportf(pass, severity, flow.Position(commit.Instr), t.Way(),
			"the deferred Commit runs also when the function fails, and its own error is dropped")
		return
	}
	lit := commit.Instr.Parent()
	d := deferring(lit)
	if d == nil {
		return
	}
	if at := otherError(lit, d, commit.Instr); at != nil {
		flow.Reportf(pass, rule.Error, flow.Position(commit.Instr), t.Way(flow.Line(rule.Used, flow.Position(at), "this return does not set the variable")),
			"the deferred Commit decides by an error variable that a later return does not set")
		return
	}
	if guarded(lit, commit.Instr) && !recovers(lit) {
		flow.Reportf(pass, rule.Warning, flow.Position(commit.Instr), t.Way(),
			"the deferred Commit runs while a panic goes through: the error is nil then")
	}
}

// changes are the methods that change something.
var changes = map[string]bool{
	"Exec": true, "ExecContext": true, "MustExec": true, "NamedExec": true, "NamedExecContext": true, "SendBatch": true,
	"CopyFrom": true, "Create": true, "Save": true, "Delete": true, "Update": true, "Updates": true,
}

// writes says whether the transaction changes something here: what is passed on may only read.
func writes(t *flow.Track) bool {
	for _, u := range t.Uses {
		if changes[u.Method] {
			return true
		}
	}
	return false
}

// deferring is the defer statement that runs the literal.
func deferring(lit *ssa.Function) *ssa.Defer {
	if lit.Parent() == nil {
		return nil
	}
	for _, b := range lit.Parent().Blocks {
		for _, instr := range b.Instrs {
			if d, ok := instr.(*ssa.Defer); ok && d.Call.StaticCallee() == lit {
				return d
			}
		}
	}
	return nil
}

// errorTests are the error variables around the literal that it tests before the commit.
func errorTests(lit *ssa.Function, commit ssa.Instruction) []*ssa.FreeVar {
	var vars []*ssa.FreeVar
	for _, b := range lit.Blocks {
		cond, ok := b.Instrs[len(b.Instrs)-1].(*ssa.If)
		if !ok || !b.Dominates(commit.Block()) {
			continue
		}
		if c, ok := cond.Cond.(*ssa.BinOp); ok {
			for _, v := range []ssa.Value{c.X, c.Y} {
				if load, ok := v.(*ssa.UnOp); ok && load.Op == token.MUL && load.Type().String() == "error" {
					if fv, ok := load.X.(*ssa.FreeVar); ok {
						vars = append(vars, fv)
					}
				}
			}
		}
	}
	return vars
}

func guarded(lit *ssa.Function, commit ssa.Instruction) bool { return len(errorTests(lit, commit)) > 0 }

// otherError is a return after the defer whose error the literal does not see.
func otherError(lit *ssa.Function, d *ssa.Defer, commit ssa.Instruction) ssa.Instruction {
	for _, fv := range errorTests(lit, commit) {
		variable := binding(lit, fv)
		a, ok := variable.(*ssa.Alloc)
		if !ok || named(d.Parent(), a) {
			continue
		}
		for _, b := range d.Parent().Blocks {
			ret, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return)
			if !ok || !flow.Dominates(d, ret) {
				continue
			}
			for _, r := range ret.Results {
				if r.Type().String() == "error" && unseen(r, a) {
					return ret
				}
			}
		}
	}
	return nil
}

func binding(lit *ssa.Function, fv *ssa.FreeVar) ssa.Value {
	for _, b := range lit.Parent().Blocks {
		for _, instr := range b.Instrs {
			if mc, ok := instr.(*ssa.MakeClosure); ok && mc.Fn == lit {
				for i, v := range lit.FreeVars {
					if v == fv {
						return mc.Bindings[i]
					}
				}
			}
		}
	}
	return nil
}

// named says whether the variable is a named result: every return sets it.
func named(fn *ssa.Function, a *ssa.Alloc) bool {
	for r := range fn.Signature.Results().Variables() {
		if r.Name() != "" && r.Pos() == a.Pos() {
			return true
		}
	}
	return false
}

// unseen says whether an error is given to the caller without being in the variable.
// What an error is must be plain: the result of a call or a new value.
func unseen(r ssa.Value, variable *ssa.Alloc) bool {
	if load, ok := r.(*ssa.UnOp); ok {
		if load.X == ssa.Value(variable) {
			return false
		}
		if r = flow.LastStored(load); r == nil {
			return false
		}
	}
	switch r.(type) {
	case *ssa.Call, *ssa.Extract, *ssa.MakeInterface:
	default:
		return false
	}
	for _, ref := range *variable.Referrers() {
		if s, ok := ref.(*ssa.Store); ok && s.Val == r {
			return false
		}
	}
	return true
}

func recovers(lit *ssa.Function) bool {
	for _, b := range lit.Blocks {
		for _, instr := range b.Instrs {
			if call, ok := instr.(*ssa.Call); ok {
				if bi, ok := call.Call.Value.(*ssa.Builtin); ok && bi.Name() == "recover" {
					return true
				}
			}
		}
	}
	return false
}
