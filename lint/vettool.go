package lint

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"
)

// VetAnalyzers is Analyzers for drivers that print diagnostics as they are: findings
// that a comment allows are left out, and the severity stands before the message.
func VetAnalyzers() []*analysis.Analyzer {
	all := Analyzers()
	for i, a := range all {
		quiet := *a
		quiet.Run = func(pass *analysis.Pass) (any, error) { return a.Run(heeding(pass)) }
		all[i] = &quiet
	}
	return all
}

// heeding is the pass with a Report that heeds allow comments.
func heeding(pass *analysis.Pass) *analysis.Pass {
	p := *pass
	lines := map[string][]string{}
	p.Report = func(d analysis.Diagnostic) {
		pos := pass.Fset.Position(d.Pos)
		if lines[pos.Filename] == nil {
			src, _ := pass.ReadFile(pos.Filename) // unreadable, it allows nothing
			lines[pos.Filename] = strings.Split(string(src), "\n")
		}
		reason, found := allowedAt(lines[pos.Filename], Finding{Rule: pass.Analyzer.Name, Line: pos.Line})
		if found && reason != "" {
			return
		}
		d.Message = d.Category + ": " + d.Message
		pass.Report(d)
	}
	return &p
}

// RanByVet says whether the arguments of this process, without its name, are those
// that go vet gives to its -vettool.
func RanByVet(args []string) bool {
	return len(args) > 0 && (slices.Contains([]string{"-V=full", "-flags"}, args[0]) || strings.HasSuffix(args[len(args)-1], ".cfg"))
}

// VetTool does what go vet asks of its -vettool, by os.Args, and ends the process. Call
// it first thing in main, when RanByVet(os.Args[1:]).
func VetTool() {
	unitchecker.Main(VetAnalyzers()...)
	os.Exit(1) // not reached: Main ends the process
}
