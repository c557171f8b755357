package lint

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/tools/go/analysis"

	"github.com/reeve-run/reeve/lint/gosyntax"
)

// vetGo looks at the Go.
func vetGo(ctx context.Context, s *sources, o Options, report *Report) error {
	folders := byFolder(s.golang)
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.vetSyntax(folders[dir], report)
	}
	return nil
}

// vetSyntax looks at one folder of Go that could not be type-checked.
func (s *sources) vetSyntax(names []string, report *Report) {
	files := make([]gosyntax.File, 0, len(names))
	for _, name := range names {
		if src, ok := s.read(name); ok {
			files = append(files, gosyntax.File{Name: name, Src: src})
		}
	}
	found, skipped := gosyntax.Check(files)
	report.Findings = append(report.Findings, found...)
	report.Skipped = append(report.Skipped, skipped...)
	report.Skipped = append(report.Skipped, s.unread()...)
}

// Analyzers lists the rules for Go, for go vet -vettool and other drivers.
func Analyzers() []*analysis.Analyzer { return nil }
