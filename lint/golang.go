package lint

import (
	"context"
	"fmt"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/reeve-run/reeve/lint/agentbody"
	"github.com/reeve-run/reeve/lint/closedbusy"
	"github.com/reeve-run/reeve/lint/goload"
	"github.com/reeve-run/reeve/lint/gosyntax"
	"github.com/reeve-run/reeve/lint/lostcommit"
	"github.com/reeve-run/reeve/lint/nestedacquire"
	"github.com/reeve-run/reeve/lint/neverended"
	"github.com/reeve-run/reeve/lint/outerhandle"
	"github.com/reeve-run/reeve/lint/poolstate"
	"github.com/reeve-run/reeve/lint/retriedstate"
	"github.com/reeve-run/reeve/lint/rule"
	"github.com/reeve-run/reeve/lint/sessionspawned"
	"github.com/reeve-run/reeve/lint/sessionstored"
	"github.com/reeve-run/reeve/lint/unreadrows"
	"github.com/reeve-run/reeve/lint/usedafterend"
	"github.com/reeve-run/reeve/lint/waitholding"
)

// Analyzers lists the rules for Go, for go vet -vettool and other drivers.
func Analyzers() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		agentbody.Analyzer, closedbusy.Analyzer, lostcommit.Analyzer, nestedacquire.Analyzer, neverended.Analyzer,
		outerhandle.Analyzer, poolstate.Analyzer, retriedstate.Analyzer, sessionspawned.Analyzer, sessionstored.Analyzer, unreadrows.Analyzer,
		usedafterend.Analyzer, waitholding.Analyzer,
	}
}

// vetGo looks at the Go, one module after the other.
func vetGo(ctx context.Context, s *sources, o Options, report *Report) error {
	modules := map[string][]string{}
	for _, name := range s.golang {
		if !strings.HasSuffix(name, "_test.go") {
			m := s.module(path.Dir(name))
			modules[m] = append(modules[m], name)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(modules)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if m == "" {
			report.skip("Go", "there is no go.mod: looked at by syntax alone")
			s.vetSyntax(modules[m], report)
			continue
		}
		if err := s.vetModule(ctx, m, modules[m], o, report); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) skip(path, reason string) {
	r.Skipped = append(r.Skipped, Skipped{Path: path, Reason: reason})
}

// module is the nearest folder at or above dir with a go.mod, absolute; empty when
// there is none.
func (s *sources) module(dir string) string {
	if m, ok := s.modules[dir]; ok {
		return m
	}
	at := filepath.Join(s.dir, filepath.FromSlash(dir))
	found := ""
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			found = at
			break
		}
		up := filepath.Dir(at)
		if up == at || s.root != nil && at == s.dir {
			break
		}
		at = up
	}
	s.modules[dir] = found
	return found
}

// vetModule looks at the files of one module that were asked for.
func (s *sources) vetModule(ctx context.Context, module string, names []string, o Options, report *Report) error {
	loaded, err := goload.Load(ctx, goload.Options{Dir: module, Patterns: s.patterns(module, names), Offline: o.Offline})
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		report.skip(s.rel(module), err.Error()+"; looked at by syntax alone")
		s.vetSyntax(names, report)
		return nil
	}
	asked := map[string]bool{}
	for _, n := range names {
		asked[n] = true
	}
	broken := map[string]bool{}
	for _, b := range loaded.Broken {
		broken[b.Path] = true
		report.skip(b.Path, "does not type-check: "+b.Reason+"; looked at by syntax alone")
		s.vetSyntax(slices.DeleteFunc(s.relAll(b.Files), func(n string) bool { return !asked[n] }), report)
	}
	graph, err := checker.Analyze(Analyzers(), loaded.Packages, nil)
	if err != nil {
		return fmt.Errorf("analyze %s: %w", module, err)
	}
	s.collect(graph, asked, broken, report)
	return nil
}

// patterns are the folders of the files, relative to their module.
func (s *sources) patterns(module string, names []string) []string {
	var patterns []string
	for _, dir := range slices.Sorted(maps.Keys(byFolder(names))) {
		rel, err := filepath.Rel(module, filepath.Join(s.dir, filepath.FromSlash(dir)))
		if err == nil {
			patterns = append(patterns, "./"+filepath.ToSlash(rel))
		}
	}
	return patterns
}

func (s *sources) rel(file string) string {
	rel, err := filepath.Rel(s.dir, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

func (s *sources) relAll(files []string) []string {
	rels := make([]string, 0, len(files))
	for _, f := range files {
		rels = append(rels, s.rel(f))
	}
	return rels
}

// collect turns diagnostics into findings.
func (s *sources) collect(graph *checker.Graph, asked, broken map[string]bool, report *Report) {
	for act := range graph.All() {
		told := act.Err == nil || broken[act.Package.PkgPath] || strings.HasPrefix(act.Err.Error(), "failed prerequisites")
		if !told { // once, where it began
			report.skip(act.Package.PkgPath, fmt.Sprintf("analyzer %s: %v", act.Analyzer, act.Err))
		}
	}
	for _, act := range graph.Roots {
		for _, d := range act.Diagnostics {
			if f := s.finding(act.Analyzer.Name, d, act.Package); asked[f.File] {
				report.Findings = append(report.Findings, f)
			}
		}
	}
}

func (s *sources) finding(name string, d analysis.Diagnostic, p *packages.Package) Finding {
	r, _ := rule.Named(name)
	f := Finding{Rule: name, Severity: Severity(d.Category), Message: d.Message, Why: r.Why, Instead: r.Instead}
	f.File, f.Line, f.Column = s.place(p.Fset, d.Pos)
	for _, rel := range d.Related {
		role, message, _ := strings.Cut(rel.Message, ": ")
		line := Related{Role: rule.Role(role), Message: message}
		line.File, line.Line, line.Column = s.place(p.Fset, rel.Pos)
		f.Related = append(f.Related, line)
	}
	for _, fix := range d.SuggestedFixes {
		f.Fixes = append(f.Fixes, s.fix(p.Fset, fix))
	}
	return f
}

func (s *sources) place(fset *token.FileSet, at token.Pos) (file string, line, column int) {
	pos := fset.Position(at)
	return s.rel(pos.Filename), pos.Line, pos.Column
}

// vetSyntax looks at Go that could not be type-checked, folder by folder.
func (s *sources) vetSyntax(names []string, report *Report) {
	folders := byFolder(names)
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		files := make([]gosyntax.File, 0, len(folders[dir]))
		for _, name := range folders[dir] {
			if src, ok := s.read(name); ok {
				files = append(files, gosyntax.File{Name: name, Src: src})
			}
		}
		found, skipped := gosyntax.Check(files)
		report.Findings = append(report.Findings, found...)
		report.Skipped = append(report.Skipped, skipped...)
		report.Skipped = append(report.Skipped, s.unread()...)
	}
}
