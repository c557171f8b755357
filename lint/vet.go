package lint

import (
	"context"
	"io"

	"golang.org/x/tools/go/analysis"
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
}

// Vet looks at the paths and reports what it finds. It is safe for concurrent use.
func Vet(ctx context.Context, o Options) (Report, error) { return Report{}, nil }

// WriteText prints a report for people.
func WriteText(w io.Writer, r Report) error { return nil }

// WriteJSON prints a report as one JSON object.
func WriteJSON(w io.Writer, r Report) error { return nil }

// WriteSARIF prints a report as a SARIF 2.1.0 log, the format for programs.
func WriteSARIF(w io.Writer, r Report) error { return nil }

// Rule is one thing that Vet looks for.
type Rule struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"` // of a proven finding
	Summary  string   `json:"summary"`  // one line
}

// Rules lists every rule by name.
func Rules() []Rule { return nil }

// Explain gives the page of a rule, in Markdown.
func Explain(rule string) (string, error) { return "", nil }

// Analyzers lists the rules for Go, for go vet -vettool and other drivers.
func Analyzers() []*analysis.Analyzer { return nil }
