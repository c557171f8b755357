package poolstate

import (
	"go/constant"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds statements that bind to a connection, sent through a pool.
var Analyzer = &analysis.Analyzer{
	Name:     rule.PoolState,
	Doc:      "find statements that bind to one connection, sent through the pool",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	res := flow.Of(pass)
	if single(res) {
		return nil, nil
	}
	each(res, func(call *ssa.CallCommon, at ssa.Instruction) {
		on := flow.Receiver(call)
		if on == nil || handle.Of(on.Type()) != handle.Pool || !handle.Queries(flow.MethodName(call)) {
			return
		}
		if what := binds(text(call)); what != "" {
			flow.Reportf(pass, rule.Warning, flow.Position(at), nil, "this statement %s, but the pool sends it on whichever connection is free", what)
		}
	})
	for _, t := range res.Tracks {
		if t.Kind == handle.Conn && t.Open != nil {
			left(pass, res, t)
		}
	}
	return nil, nil
}

// left finds a transaction begun by its text on a taken connection, that no text in the
// package ends.
func left(pass *analysis.Pass, res *flow.Result, t *flow.Track) {
	for _, u := range t.Uses {
		call, ok := u.Instr.(ssa.CallInstruction)
		if !ok || !begins.MatchString(text(call.Common())) || binds(text(call.Common())) == "" {
			continue
		}
		if !ended(res) && len(t.Ends) > 0 {
			flow.Reportf(pass, rule.Warning, flow.Position(u.Instr), t.Way(), "this statement begins a transaction that nothing ends before the connection goes back to the pool")
		}
		return
	}
}

func ended(res *flow.Result) bool {
	found := false
	each(res, func(call *ssa.CallCommon, _ ssa.Instruction) {
		found = found || handle.Queries(flow.MethodName(call)) && (finishes.MatchString(text(call)) || text(call) == "")
	})
	return found
}

func each(res *flow.Result, see func(*ssa.CallCommon, ssa.Instruction)) {
	for _, fn := range res.Funcs {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				if call, ok := instr.(ssa.CallInstruction); ok {
					see(call.Common(), instr)
				}
			}
		}
	}
}

// single says whether the package lets a pool have one connection only.
func single(res *flow.Result) bool {
	found := false
	each(res, func(call *ssa.CallCommon, _ ssa.Instruction) {
		if flow.MethodName(call) == "SetMaxOpenConns" {
			c, ok := call.Args[len(call.Args)-1].(*ssa.Const)
			found = found || !ok || c.Int64() == 1
		}
	})
	return found
}

// text is the statement's constant text; empty when it is not constant.
func text(call *ssa.CallCommon) string {
	for _, a := range call.Args {
		if c, ok := a.(*ssa.Const); ok && c.Value != nil && c.Value.Kind() == constant.String {
			return constant.StringVal(c.Value)
		}
	}
	return ""
}
