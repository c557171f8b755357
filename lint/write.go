package lint

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// WriteText prints a report for people: each finding with its flow, why it matters
// and what to write instead, and a line of counts at the end.
func WriteText(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	for _, f := range r.Findings {
		fmt.Fprintf(out, "%s:%d:%d: %s: %s [%s]\n", f.File, f.Line, f.Column, f.Severity, f.Message, f.Rule)
		for _, rel := range f.Related {
			fmt.Fprintf(out, "    %-8s %s:%d:%d: %s\n", rel.Role, rel.File, rel.Line, rel.Column, rel.Message)
		}
		fmt.Fprintf(out, "    why      %s\n    instead  %s\n", f.Why, f.Instead)
	}
	for _, a := range r.Allowed {
		fmt.Fprintf(out, "%s:%d:%d: allowed: %s [%s] because %s\n", a.File, a.Line, a.Column, a.Message, a.Rule, a.Reason)
	}
	fmt.Fprintln(out, r.Summary())
	return out.Flush()
}

// Summary counts the report in one line.
func (r *Report) Summary() string {
	by := map[Severity]int{}
	for _, f := range r.Findings {
		by[f.Severity]++
	}
	return fmt.Sprintf("%d errors, %d warnings, %d infos, %d allowed; %d files looked at, %d skipped",
		by[SeverityError], by[SeverityWarning], by[SeverityInfo], len(r.Allowed), r.Files, len(r.Skipped))
}

// WriteJSON prints a report as one JSON object. Its lists are never null.
func WriteJSON(w io.Writer, r Report) error {
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	if r.Allowed == nil {
		r.Allowed = []Allowed{}
	}
	if r.Skipped == nil {
		r.Skipped = []Skipped{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
