package closedbusy

import (
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds connections closed before what is open on them.
var Analyzer = &analysis.Analyzer{
	Name:     rule.ClosedBusy,
	Doc:      "find connections closed while their rows or transaction are open",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	tracks := flow.Of(pass).Tracks
	for _, child := range tracks {
		if child.Open == nil || child.Merged || child.From == nil || child.Kind != handle.Rows && child.Kind != handle.Tx {
			continue
		}
		for _, conn := range tracks {
			if conn.Kind == handle.Conn && !conn.Merged && conn.Fn == child.Fn && conn.Is(child.From) {
				look(pass, conn, child)
			}
		}
	}
	return nil, nil
}

func look(pass *analysis.Pass, conn, child *flow.Track) {
	ends := map[ssa.Instruction]bool{}
	for _, e := range conn.Ends {
		if e.Instr.Parent() == conn.Fn && (!e.Deferred || after(e, child)) {
			ends[e.Instr] = true
		}
	}
	done := false
	child.Between(func(instr ssa.Instruction) bool {
		if !ends[instr] || done || flow.OnError(instr) {
			return !done
		}
		done = true
		severity, why := rule.Error, "Close waits for them"
		if handle.Pgx(conn.Value.Type()) {
			severity, why = rule.Warning, "the pool throws it away"
		}
		flow.Reportf(pass, severity, flow.Position(instr), child.Way(flow.Line(rule.Ended, flow.Position(instr), "the connection is closed here")),
			"the connection is closed while its %s are still open: %s", plural(child.Kind), why)
		return false
	})
}

// after says whether a deferred Close was deferred after every deferred end of the
// child: then it runs first.
func after(e flow.Event, child *flow.Track) bool {
	deferred := false
	for _, c := range child.Ends {
		if c.Deferred {
			if !flow.Dominates(c.Instr, e.Instr) {
				return false
			}
			deferred = true
		}
	}
	return deferred
}

func plural(k handle.Kind) string {
	if k == handle.Rows {
		return "rows"
	}
	return "transaction's statements"
}
