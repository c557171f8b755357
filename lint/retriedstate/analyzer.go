package retriedstate

import (
	"go/token"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds retried literals that add to what they caught.
var Analyzer = &analysis.Analyzer{
	Name:     rule.RetriedState,
	Doc:      "find literals that are run again and add to a variable from outside",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	res := flow.Of(pass)
	for _, fn := range res.Funcs {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				call, ok := instr.(*ssa.Call)
				if !ok {
					continue
				}
				for _, lit := range res.Retried(&call.Call) {
					if transacts(res, lit) {
						look(pass, call, lit)
					}
				}
			}
		}
	}
	return nil, nil
}

// transacts says whether the literal works in a transaction: one it is given, or one it opens.
func transacts(res *flow.Result, lit *ssa.Function) bool {
	for _, t := range res.Tracks {
		if t.Kind == handle.Tx && t.Fn == lit {
			return true
		}
	}
	return false
}

func look(pass *analysis.Pass, call *ssa.Call, lit *ssa.Function) {
	for _, b := range lit.Blocks {
		for _, instr := range b.Instrs {
			s, ok := instr.(*ssa.Store)
			if !ok {
				continue
			}
			if v, ok := s.Addr.(*ssa.FreeVar); ok && adds(s.Val, v) && !anew(v, s) {
				flow.Reportf(pass, rule.Warning, flow.Position(s),
					[]analysis.RelatedInformation{flow.Line(rule.Passed, call.Pos(), "the literal is run again from here")},
					"%s is added to in a literal that is run again when its transaction fails", v.Name())
				return
			}
		}
	}
}

// adds says whether a value is what a variable holds and something more.
func adds(val ssa.Value, v *ssa.FreeVar) bool {
	switch val := val.(type) {
	case *ssa.Call:
		b, ok := val.Call.Value.(*ssa.Builtin)
		return ok && b.Name() == "append" && reads(val.Call.Args[0], v)
	case *ssa.BinOp:
		return (val.Op == token.ADD || val.Op == token.SUB || val.Op == token.MUL) && (reads(val.X, v) || reads(val.Y, v))
	}
	return false
}

func reads(val ssa.Value, v *ssa.FreeVar) bool {
	load, ok := val.(*ssa.UnOp)
	return ok && load.Op == token.MUL && load.X == ssa.Value(v)
}

// anew says whether the literal sets the variable before it adds to it.
func anew(v *ssa.FreeVar, add *ssa.Store) bool {
	for _, ref := range *v.Referrers() {
		if s, ok := ref.(*ssa.Store); ok && s != add && s.Addr == ssa.Value(v) && !adds(s.Val, v) && flow.Dominates(s, add) {
			return true
		}
	}
	return false
}
