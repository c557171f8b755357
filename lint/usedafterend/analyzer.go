package usedafterend

import (
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds uses of sessions that have ended.
var Analyzer = &analysis.Analyzer{
	Name:     rule.UsedAfterEnd,
	Doc:      "find uses of database sessions after they were ended",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	tracks := flow.Of(pass).Tracks
	for _, t := range tracks {
		switch {
		case t.Kind.Session() && !t.Merged && !handle.BeginsAgain(t.Value.Type()):
			uses(pass, t)
		case t.Kind == handle.Rows && t.Open != nil:
			returned(pass, t, tracks)
		}
	}
	return nil, nil
}

func uses(pass *analysis.Pass, t *flow.Track) {
	for _, use := range append(t.Uses, t.Passes...) {
		if !handle.Sends(t.Value.Type(), use.Method) && !handle.Opens(use.Method) || use.Deferred {
			continue
		}
		for _, end := range t.Ends {
			if !certain(end) || !flow.Dominates(end.Instr, use.Instr) || flow.OnError(use.Instr) && flow.OnError(end.Instr) {
				continue
			}
			pos := flow.Position(use.Instr)
			flow.Reportf(pass, rule.Error, pos, t.Way(flow.Line(rule.Used, pos, "used here")),
				"%s is used after %s has ended it", t.Name(), end.Method)
			return
		}
	}
}

// certain says whether the end is a plain call of the handle's own method.
func certain(e flow.Event) bool {
	call, ok := e.Instr.(*ssa.Call)
	return ok && !e.Deferred && flow.MethodName(&call.Call) == e.Method && endsItself(e.Method)
}

func endsItself(method string) bool {
	return handle.Ends(handle.Tx, method) || handle.Ends(handle.Conn, method)
}

// returned finds rows given to the caller while a deferred call ends their transaction.
func returned(pass *analysis.Pass, rows *flow.Track, tracks []*flow.Track) {
	if len(rows.Returned) == 0 || rows.From == nil {
		return
	}
	for _, t := range tracks {
		if t.Fn != rows.Fn || t.Open == nil || !t.Kind.Session() || !t.Is(rows.From) {
			continue
		}
		for _, end := range t.Ends {
			if at := returnAfter(end, rows); at != nil {
				pos := flow.Position(at)
				flow.Reportf(pass, rule.Error, pos, t.Way(), "rows are given to the caller, but the deferred %s of their %s has closed them by then", end.Method, t.Kind)
				return
			}
		}
	}
}

// returnAfter is where the rows are returned although the deferred end is certain.
func returnAfter(end flow.Event, rows *flow.Track) ssa.Instruction {
	if !end.Deferred || end.Instr.Parent() != rows.Fn {
		return nil
	}
	for _, r := range rows.Returned {
		if flow.Dominates(end.Instr, r.Instr) {
			return r.Instr
		}
	}
	return nil
}
