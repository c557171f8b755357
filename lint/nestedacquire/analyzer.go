package nestedacquire

import (
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds second acquires from a pool while a session or rows of it are open.
var Analyzer = &analysis.Analyzer{
	Name:     rule.NestedAcquire,
	Doc:      "find a second connection taken from a pool while one from it is held",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	res := flow.Of(pass)
	for _, t := range res.Tracks {
		if t.Merged {
			continue
		}
		switch {
		case t.Kind.Session():
			if pool := t.Pool(); pool != nil {
				session(pass, res, t, pool)
			}
		case t.Kind == handle.Rows && t.Open != nil && t.From != nil:
			rows(pass, t)
		}
	}
	return nil, nil
}

// session finds another session taken from the pool while this one is open.
func session(pass *analysis.Pass, res *flow.Result, t *flow.Track, pool ssa.Value) {
	done := false
	t.Between(func(instr ssa.Instruction) bool {
		call, ok := instr.(*ssa.Call)
		if !ok || done || call == t.Open || flow.OnError(call) {
			return !done
		}
		if where, sure := takes(res, call, pool); where != "" {
			done = true
			severity := rule.Error
			if !sure || t.Kind == handle.Conn { // held for a lock of its own, perhaps, by one worker alone
				severity = rule.Warning
			}
			flow.Reportf(pass, severity, call.Pos(), t.Way(), "another session is taken from the pool%s while %s is open", where, t.Name())
		}
		return !done
	})
}

// takes says where a call takes a session from the pool: here, or in what it calls, and
// whether it does so on every way.
func takes(res *flow.Result, call *ssa.Call, pool ssa.Value) (where string, sure bool) {
	if handle.Opens(flow.MethodName(&call.Call)) && flow.SamePlace(flow.Receiver(&call.Call), pool) {
		return " here", true
	}
	for _, from := range res.From(&call.Call) {
		if from.Layers && from.Session && from.Pool && from.Is(pool) {
			return " in what is called here", from.Sure
		}
	}
	return "", false
}

// rows finds statements in the loop over open rows.
func rows(pass *analysis.Pass, t *flow.Track) {
	loop := next(t)
	if loop == nil {
		return
	}
	done := false
	t.Between(func(instr ssa.Instruction) bool {
		call, ok := instr.(*ssa.Call)
		if !ok || done || !handle.Queries(flow.MethodName(&call.Call)) || !flow.Reaches(call, loop) || !flow.Reaches(loop, call) {
			return !done
		}
		on := flow.Receiver(&call.Call)
		if !flow.SamePlace(on, t.From) || flow.OnError(call) {
			return true
		}
		done = true
		severity, what := judge(on)
		flow.Reportf(pass, severity, call.Pos(), t.Way(), "%s in the loop over open rows: %s", flow.MethodName(&call.Call), what)
		return false
	})
}

// next is the call that drives the loop over the rows.
func next(t *flow.Track) ssa.Instruction {
	for _, use := range t.Uses {
		if use.Method == "Next" && use.Instr.Parent() == t.Fn {
			return use.Instr
		}
	}
	return nil
}

func judge(on ssa.Value) (rule.Severity, string) {
	if handle.Of(on.Type()) == handle.Pool {
		return rule.Warning, "it takes a second connection while the first is held"
	}
	if strings.Contains(handle.Show(on.Type()), "pgx") {
		return rule.Error, "its connection is busy with them"
	}
	return rule.Warning, "its connection may be busy with them"
}
