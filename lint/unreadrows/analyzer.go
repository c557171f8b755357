package unreadrows

import (
	"fmt"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds rows that are not closed and single rows that are not read.
var Analyzer = &analysis.Analyzer{
	Name:     rule.UnreadRows,
	Doc:      "find rows that are not closed and single rows that are never scanned",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	for _, t := range flow.Of(pass).Tracks {
		if t.Open == nil || t.Elsewhere() || len(t.Spawns) > 0 {
			continue
		}
		switch t.Kind {
		case handle.Rows:
			rows(pass, t)
		case handle.Row:
			row(pass, t)
		}
	}
	return nil, nil
}

func rows(pass *analysis.Pass, t *flow.Track) {
	leaks := t.Leaks()
	severity := judge(t, leaks)
	if severity == "" {
		return
	}
	at := leaks[0]
	related := append(t.Way(), flow.Line(rule.Escaped, flow.Position(at), "the function is left here with the rows open"))
	message := "%s are opened here and never closed"
	if len(t.Ends) > 0 || len(t.Uses) > 0 {
		message = "%s are opened here, and there is a way out of the function that does not close them"
	}
	fixes := flow.Exec(pass, t)
	if fixes == nil {
		fixes = flow.Defer(pass, t, "Close")
	}
	flow.Report(pass, severity, analysis.Diagnostic{
		Pos: t.Open.Pos(), Message: fmt.Sprintf(message, t.Name()), Related: related, SuggestedFixes: fixes,
	})
}

// judge says how bad the ways out are. The end of a transaction closes its rows, so
// after an error, when nothing more is sent, they may be left to it. The end of a
// context closes them as well, some time later.
func judge(t *flow.Track, leaks []*ssa.Return) rule.Severity {
	busy := slices.ContainsFunc(leaks, func(ret *ssa.Return) bool { return !flow.OnError(ret) })
	switch {
	case len(leaks) == 0:
		return ""
	case t.Cancelled():
		return rule.Warning
	}
	switch source(t.From) {
	case handle.Tx:
		if !busy {
			return ""
		}
		return rule.Warning
	case handle.Stmt: // of a transaction or not
		return rule.Warning
	}
	return rule.Error
}

// source is the kind of what rows come from: of a prepared statement, what it was
// prepared on or is bound to, as far as that can be seen.
func source(from ssa.Value) handle.Kind {
	if from == nil {
		return handle.Pool
	}
	kind := handle.Like(from.Type())
	if kind != handle.Stmt {
		return kind
	}
	switch v := from.(type) {
	case *ssa.UnOp: // a field or a variable of the program
		switch v.X.(type) {
		case *ssa.FieldAddr, *ssa.Global:
			return handle.Pool
		}
	case *ssa.Call: // tx.Stmt(stmt)
		if on := flow.Receiver(&v.Call); on != nil && handle.Like(on.Type()) == handle.Tx {
			return handle.Tx
		}
	case *ssa.Extract: // db.Prepare(query)
		if call, ok := v.Tuple.(*ssa.Call); ok && flow.Prepares(&call.Call) {
			return handle.Like(flow.Receiver(&call.Call).Type())
		}
	}
	return handle.Stmt
}

// row is a single row that nobody looks at. Its connection stays busy for ever.
func row(pass *analysis.Pass, t *flow.Track) {
	if len(t.Ends)+len(t.Uses)+len(t.Passes) > 0 || blank(t.Open) {
		return
	}
	flow.Report(pass, rule.Error, analysis.Diagnostic{
		Pos: t.Open.Pos(), Message: "the row of this query is never scanned", Related: t.Way(), SuggestedFixes: flow.Exec(pass, t),
	})
}

// blank says whether the opener gives the row to something that this analyzer does not see.
func blank(open *ssa.Call) bool { return open.Referrers() != nil && len(*open.Referrers()) > 0 }
