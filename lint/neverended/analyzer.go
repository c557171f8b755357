package neverended

import (
	"fmt"
	"slices"

	"golang.org/x/tools/go/analysis"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds sessions that are not ended on some path.
var Analyzer = &analysis.Analyzer{
	Name:     rule.NeverEnded,
	Doc:      "find database sessions that are not ended on some path",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	for _, t := range flow.Of(pass).Tracks {
		if t.Open != nil && t.Kind.Session() {
			handover(pass, t)
		}
		if t.Open == nil || !t.Kind.Session() || t.Elsewhere() || len(t.Spawns) > 0 {
			continue
		}
		at, leaks := t.Leak()
		if !leaks {
			continue
		}
		message := "%s is opened here and never ended"
		if len(t.Ends) > 0 {
			message = "%s is opened here, and there is a way out of the function that does not end it"
		}
		severity := rule.Error
		if t.Cancelled() { // that ends it, some time later
			severity = rule.Warning
		}
		related := append(t.Way(), flow.Line(rule.Escaped, flow.Position(at), "the function is left here with the session open"))
		flow.Report(pass, severity, analysis.Diagnostic{
			Pos: t.Open.Pos(), Message: fmt.Sprintf(message, t.Name()), Related: related, SuggestedFixes: fixes(pass, t),
		})
	}
	return nil, nil
}

// fixes end the session in a deferred call. A transaction that is never committed may
// be meant to be: what then is right cannot be told.
func fixes(pass *analysis.Pass, t *flow.Track) []analysis.SuggestedFix {
	has := func(method string) bool {
		return slices.ContainsFunc(t.Ends, func(e flow.Event) bool { return e.Method == method })
	}
	switch {
	case t.Kind == handle.Tx && has("Commit"):
		return flow.Defer(pass, t, "Rollback")
	case t.Kind == handle.Conn && !has("Hijack"):
		if fix := flow.Defer(pass, t, "Release"); fix != nil {
			return fix
		}
		return flow.Defer(pass, t, "Close")
	}
	return nil
}
