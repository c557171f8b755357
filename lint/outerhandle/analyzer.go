package outerhandle

import (
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds the pool used where its own transaction is in scope.
var Analyzer = &analysis.Analyzer{
	Name:     rule.OuterHandle,
	Doc:      "find the pool used where its own transaction is in scope",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	for _, t := range flow.Of(pass).Tracks {
		if t.Kind == handle.Tx && !t.Merged {
			if pool := t.Pool(); pool != nil {
				look(pass, t, pool)
			}
		}
	}
	return nil, nil
}

func look(pass *analysis.Pass, t *flow.Track, pool ssa.Value) {
	found := false
	t.Between(func(instr ssa.Instruction) bool {
		call, ok := instr.(*ssa.Call)
		if !ok || found {
			return !found
		}
		if !handle.Queries(flow.MethodName(&call.Call)) || !flow.SamePlace(flow.Receiver(&call.Call), pool) || flow.OnError(call) {
			return true
		}
		found = true
		severity := rule.Error
		if strings.HasPrefix(flow.MethodName(&call.Call), "Prepare") { // Tx.Stmt may take it into the transaction
			severity = rule.Warning
		}
		flow.Reportf(pass, severity, call.Pos(), t.Way(flow.Line(rule.Used, call.Pos(), "the pool is used here")),
			"this statement goes through the pool, outside %s that is in scope", t.Name())
		return false
	})
}
