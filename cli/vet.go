package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/lint"
	"github.com/reeve-run/reeve/lint/rule"
)

// reportWriters are the formats of vet.
var reportWriters = map[string]func(io.Writer, lint.Report) error{
	"text":  lint.WriteText,
	"json":  lint.WriteJSON,
	"sarif": func(w io.Writer, r lint.Report) error { return lint.WriteSARIF(w, ".", r) },
}

func (c *command) vet() *cobra.Command {
	var format, severity, changed, explain string
	var fix bool
	cmd := &cobra.Command{
		Use:   "vet [PATH]...",
		Short: "Find database sessions that outlive their scope, in Go and Python",
		Long: `Find database sessions that outlive their scope, in Go and Python.

A path is a file, a folder or a Go pattern such as ./...; without one it is the working
directory. A folder means the Python below it, and the Go if a module is there. Every finding is
printed; --severity only decides the exit status: 1 when there is one at or above it.

With --fix, what has a certain fix is mended in place and told on stderr; what is printed, and
counts, is the rest.`,
		Example: `  reeve vet ./...
  reeve vet --format sarif . > reeve.sarif
  reeve vet --changed main
  reeve vet --fix ./...
  reeve vet --explain sessionstored`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if explain != "" {
				page, err := lint.Explain(explain)
				if err != nil {
					return cannotStart(err)
				}
				fmt.Fprint(c.out, page)
				return nil
			}
			return c.vetPaths(cmd, lint.Options{Paths: paths, Changed: changed}, format, severity, fix)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, json or sarif")
	cmd.Flags().StringVar(&severity, "severity", "error", "error, warning or info: what makes the exit status 1")
	cmd.Flags().StringVar(&changed, "changed", "", "look only at what the change since this git revision reaches")
	cmd.Flags().BoolVar(&fix, "fix", false, "mend what has a certain fix, in place")
	cmd.Flags().StringVar(&explain, "explain", "", "print the page of a rule")
	return cmd
}

func (c *command) vetPaths(cmd *cobra.Command, o lint.Options, format, severity string, fix bool) error {
	write, ok := reportWriters[format]
	if !ok {
		return usage("--format %q: want text, json or sarif", format)
	}
	bound, err := lint.ParseSeverity(severity)
	if err != nil {
		return usage("--severity: %w", err)
	}
	report, err := lint.Vet(cmd.Context(), o)
	if err != nil {
		return cannotStart(err)
	}
	if fix {
		if err := c.mend(&report); err != nil {
			return cannotStart(err)
		}
	}
	for _, s := range report.Skipped {
		fmt.Fprintf(c.err, "skipped %s: %s\n", s.Path, s.Reason)
	}
	if err := write(c.out, report); err != nil {
		return err
	}
	if report.Count(bound) > 0 {
		return silent(exitNo)
	}
	return nil
}

// mend applies the fixes, says which, and takes what is mended out of the report.
func (c *command) mend(report *lint.Report) error {
	done, err := lint.ApplyFixes(".", *report)
	report.Findings = slices.DeleteFunc(report.Findings, func(f lint.Finding) bool {
		return slices.ContainsFunc(done.Applied, func(a lint.Finding) bool { return rule.Compare(a, f) == 0 })
	})
	files := map[string]bool{}
	for _, f := range done.Applied {
		files[f.File] = true
		fmt.Fprintf(c.err, "fixed %s:%d: %s [%s]\n", f.File, f.Line, f.Fixes[0].Message, f.Rule)
	}
	for _, r := range done.Refused {
		fmt.Fprintf(c.err, "not fixed %s: %s\n", r.Path, r.Reason)
	}
	fmt.Fprintf(c.err, "%d fixed in %d files, %d files left as they are\n", len(done.Applied), len(files), len(done.Refused))
	return err
}
