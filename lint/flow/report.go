package flow

import (
	"fmt"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Of is the flow of the package that an analyzer looks at.
func Of(pass *analysis.Pass) *Result { return pass.ResultOf[Analyzer].(*Result) }

// Reportf reports a finding, except in tests, which may do what others must not. The
// severity is the diagnostic's category; each related line begins with its role.
func Reportf(pass *analysis.Pass, severity rule.Severity, at token.Pos, related []analysis.RelatedInformation, format string, args ...any) {
	Report(pass, severity, analysis.Diagnostic{Pos: at, Message: fmt.Sprintf(format, args...), Related: related})
}

// Report is Reportf for a diagnostic that is made already, with what would mend it.
func Report(pass *analysis.Pass, severity rule.Severity, d analysis.Diagnostic) {
	if !d.Pos.IsValid() || strings.HasSuffix(pass.Fset.Position(d.Pos).Filename, "_test.go") {
		return
	}
	d.Category = string(severity)
	pass.Report(d)
}

// Way is the handle's way as related lines: opened, then what comes between, then ended.
func (t *Track) Way(between ...analysis.RelatedInformation) []analysis.RelatedInformation {
	word := "opened here"
	if t.Open == nil {
		word = "it comes from the caller, who ends it"
	}
	way := append([]analysis.RelatedInformation{Line(rule.Opened, t.Opened(), word)}, between...)
	for _, e := range t.Ends {
		if e.Instr.Pos().IsValid() {
			word := "ended here"
			if e.Deferred {
				word = "ended here, when the function returns"
			}
			return append(way, Line(rule.Ended, e.Instr.Pos(), word))
		}
	}
	return way
}

// Line is one related line.
func Line(role rule.Role, at token.Pos, message string) analysis.RelatedInformation {
	return analysis.RelatedInformation{Pos: at, Message: string(role) + ": " + message}
}

// Name is the handle as people would name it: tx (*sql.Tx).
func (t *Track) Name() string {
	typ := handle.Show(t.Value.Type())
	if t.Open == nil {
		return t.Value.Name() + " (" + typ + ")"
	}
	return "the " + t.Kind.String() + " (" + typ + ")"
}

// Position is where an instruction stands; that of what it is about, where it has none.
func Position(instr ssa.Instruction) token.Pos {
	if instr.Pos().IsValid() {
		return instr.Pos()
	}
	for _, op := range instr.Operands(nil) {
		if *op != nil && (*op).Pos().IsValid() {
			return (*op).Pos()
		}
	}
	return instr.Parent().Pos()
}
