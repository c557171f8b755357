package waitholding

import (
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds waits while a transaction is open.
var Analyzer = &analysis.Analyzer{
	Name:     rule.WaitHolding,
	Doc:      "find waits for the network, for time or for other programs while a transaction is open",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	res := flow.Of(pass)
	for _, t := range res.Tracks {
		if t.Kind != handle.Tx || t.Merged || t.Open == nil && t.Fn.Parent() == nil {
			continue
		}
		done := false
		t.Between(func(instr ssa.Instruction) bool {
			call, ok := instr.(*ssa.Call)
			if !ok || done {
				return !done
			}
			if what := res.Waits(&call.Call); what != "" {
				done = true
				flow.Reportf(pass, rule.Warning, call.Pos(), t.Way(flow.Line(rule.Used, call.Pos(), "the wait is here")),
					"%s is waited for while %s is open", what, t.Name())
			}
			return !done
		})
	}
	return nil, nil
}
