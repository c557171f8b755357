package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reeve-run/reeve/lint"
	"github.com/reeve-run/reeve/lint/rule"
)

// told is how many findings, and how many skipped files, the report tells one by one.
const told = 500

func tooMany(n int) string {
	return fmt.Sprintf("%d findings: only the first %d are kept", n, maxFindings)
}

// write puts the findings into words.
func write(in findings) Output {
	var found []lint.Finding
	var allowed []lint.Allowed
	skipped := in.Inventory.Skipped
	c := Counts{Files: in.Inventory.Files}
	for _, r := range in.Reports {
		found, allowed, skipped = append(found, r.Findings...), append(allowed, r.Allowed...), append(skipped, r.Skipped...)
		c.Scanned += r.Files
	}
	slices.SortFunc(found, worstFirst)
	for _, f := range found {
		switch f.Severity {
		case lint.SeverityError:
			c.Errors++
		case lint.SeverityWarning:
			c.Warnings++
		default:
			c.Infos++
		}
	}
	skipped = distinct(skipped)
	c.Allowed, c.Skipped = len(allowed), len(skipped)
	var b strings.Builder
	writeHead(&b, in.Inventory, c)
	writeFindings(&b, found)
	writeAllowed(&b, allowed)
	writeSkipped(&b, skipped)
	return Output{Text: b.String(), Counts: c}
}

func worstFirst(a, b lint.Finding) int {
	switch {
	case a.Severity != b.Severity && a.Severity.AtLeast(b.Severity):
		return -1
	case a.Severity != b.Severity:
		return 1
	}
	return rule.Compare(a, b)
}

func distinct(all []lint.Skipped) []lint.Skipped {
	slices.SortFunc(all, func(a, b lint.Skipped) int { return strings.Compare(a.Path+a.Reason, b.Path+b.Reason) })
	return slices.Compact(all)
}

func writeHead(b *strings.Builder, inv Inventory, c Counts) {
	fmt.Fprintf(b, "# Review of %s\n\n", quoted(inv.Path))
	fmt.Fprintf(b, "%d files, %d bytes; %d packages of Go and Python; %d files looked at.\n\n", inv.Files, inv.Bytes, inv.Packages, c.Scanned)
	fmt.Fprintf(b, "**%d errors, %d warnings, %d infos**; %d allowed, %d skipped.\n", c.Errors, c.Warnings, c.Infos, c.Allowed, c.Skipped)
	if len(inv.Languages) == 0 {
		return
	}
	b.WriteString("\n| language | files | bytes |\n|---|---:|---:|\n")
	for _, l := range inv.Languages {
		fmt.Fprintf(b, "| %s | %d | %d |\n", l.Name, l.Files, l.Bytes)
	}
}

func writeFindings(b *strings.Builder, found []lint.Finding) {
	b.WriteString("\n## Findings\n")
	if len(found) == 0 {
		b.WriteString("\nNo database session was found outside its scope.\n")
	}
	for i, f := range found {
		if i == told {
			fmt.Fprintf(b, "\n… and %d more: `reeve vet` prints them all.\n", len(found)-told)
			return
		}
		fmt.Fprintf(b, "\n### %s %s (%s)\n\n%s.\n\n", quoted(place(f.File, f.Line)), f.Rule, f.Severity, escape(f.Message))
		for _, r := range f.Related {
			fmt.Fprintf(b, "- %s at %s: %s\n", r.Role, quoted(place(r.File, r.Line)), escape(r.Message))
		}
		fmt.Fprintf(b, "- Why it matters: %s\n- Instead: %s\n", f.Why, f.Instead)
	}
}

func writeAllowed(b *strings.Builder, allowed []lint.Allowed) {
	if len(allowed) == 0 {
		return
	}
	b.WriteString("\n## Allowed\n\n")
	for _, a := range allowed {
		fmt.Fprintf(b, "- %s %s: %s\n", quoted(place(a.File, a.Line)), a.Rule, escape(a.Reason))
	}
}

func writeSkipped(b *strings.Builder, skipped []lint.Skipped) {
	if len(skipped) == 0 {
		return
	}
	b.WriteString("\n## Skipped\n\n")
	for i, s := range skipped {
		if i == told {
			fmt.Fprintf(b, "- … and %d more\n", len(skipped)-told)
			return
		}
		fmt.Fprintf(b, "- %s: %s\n", quoted(s.Path), escape(s.Reason))
	}
}

// escape keeps what comes from the tree from being read as Markdown or HTML.
func escape(s string) string { return escaper.Replace(s) }

var escaper = strings.NewReplacer("\n", " ", "\r", " ", "<", "&lt;", "*", `\*`, "`", "\\`", "[", `\[`)

// quoted is a name from the tree as code.
func quoted(name string) string {
	return "`" + strings.NewReplacer("\n", " ", "\r", " ", "`", "'").Replace(name) + "`"
}

func place(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }
