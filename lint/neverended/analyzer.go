package neverended

import (
	"golang.org/x/tools/go/analysis"

	"github.com/reeve-run/reeve/lint/flow"
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
		flow.Reportf(pass, severity, t.Open.Pos(), related, message, t.Name())
	}
	return nil, nil
}
