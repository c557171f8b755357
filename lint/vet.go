package lint

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/reeve-run/reeve/lint/pysession"
	"github.com/reeve-run/reeve/lint/rule"
)

// Options says what Vet looks at.
type Options struct {
	// Paths are files and folders, and Go patterns such as ./...; a folder means the
	// Python below it, and the Go below it if a module is there. Empty means Dir.
	Paths []string
	// Dir is where the paths start from and what findings are relative to; empty
	// means the working directory.
	Dir string
	// Changed is a git revision: only what the change since then reaches is looked at.
	Changed string
	// Offline keeps the go command from asking the network for missing modules;
	// packages that need them are then looked at by syntax alone.
	Offline bool
	// Confined refuses paths outside Dir, also those that a link leads to.
	Confined bool
}

// MaxFile is the largest file that is looked at, in bytes.
const MaxFile = 2 << 20

// Vet looks at the paths and reports what it finds. It is safe for concurrent use.
func Vet(ctx context.Context, o Options) (Report, error) {
	s, err := gather(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer s.close()
	report := Report{Skipped: s.skipped, Files: len(s.python) + len(s.golang)}
	if err := vetPython(ctx, s, &report); err != nil {
		return Report{}, err
	}
	if err := vetGo(ctx, s, o, &report); err != nil {
		return Report{}, err
	}
	report.keep(s)
	report.allow(s)
	report.sort()
	return report, nil
}

// vetPython looks at the Python. Without python3 it says so and goes on.
func vetPython(ctx context.Context, s *sources, report *Report) error {
	if len(s.python) == 0 {
		return nil
	}
	files := make([]pysession.File, 0, len(s.python))
	for _, name := range s.withContext(s.python) {
		if src, ok := s.read(name); ok {
			files = append(files, pysession.File{Name: name, Src: src})
		}
	}
	report.Skipped = append(report.Skipped, s.unread()...)
	found, skipped, err := pysession.Check(ctx, files)
	switch {
	case errors.Is(err, pysession.ErrNoPython):
		report.Skipped = append(report.Skipped, rule.Skipped{Path: "Python", Reason: err.Error()})
		return nil
	case err != nil:
		return fmt.Errorf("look at Python: %w", err)
	}
	report.Findings = append(report.Findings, found...)
	report.Skipped = append(report.Skipped, skipped...)
	return nil
}

// keep drops what was found in files that nobody asked about: they were read to resolve others.
func (r *Report) keep(s *sources) {
	asked := map[string]bool{}
	for _, n := range append(slices.Clone(s.python), s.golang...) {
		asked[n] = true
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return !asked[f.File] })
	r.Skipped = slices.DeleteFunc(r.Skipped, func(k Skipped) bool { return path.Ext(k.Path) == ".py" && s.there[k.Path] && !asked[k.Path] })
}

// byFolder groups file names by the folder they lie in.
func byFolder(names []string) map[string][]string {
	folders := map[string][]string{}
	for _, n := range names {
		folders[path.Dir(n)] = append(folders[path.Dir(n)], n)
	}
	return folders
}
