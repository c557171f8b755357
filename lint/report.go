package lint

import (
	"cmp"
	"slices"

	"github.com/reeve-run/reeve/lint/rule"
)

// Severity says how sure a finding is.
type Severity = rule.Severity

// The severities, from the surest. An error is a bug; a warning is likely, not
// proven; info is worth knowing.
const (
	SeverityError   = rule.Error
	SeverityWarning = rule.Warning
	SeverityInfo    = rule.Info
)

// ParseSeverity reads a severity as a user types it.
func ParseSeverity(s string) (Severity, error) { return rule.ParseSeverity(s) }

// Finding is one flow that breaks a rule, at the line where it does.
type Finding = rule.Finding

// Related is another line of a finding's flow.
type Related = rule.Related

// Fix is a change of the source that mends a finding.
type Fix = rule.Fix

// Edit is one replacement of a fix.
type Edit = rule.Edit

// Skipped is a file or package that could not be looked at, wholly or in part.
type Skipped = rule.Skipped

// Allowed is a finding that a comment in the source allows, with the reason given there.
type Allowed struct {
	Finding
	Reason string `json:"reason"`
}

// Report is what Vet found. Each list is sorted by file and line.
type Report struct {
	Findings []Finding `json:"findings"`
	Allowed  []Allowed `json:"allowed"`
	Skipped  []Skipped `json:"skipped"`
	Files    int       `json:"files"` // files looked at
}

// Count counts the findings at or above the severity.
func (r *Report) Count(bound Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity.AtLeast(bound) {
			n++
		}
	}
	return n
}

func (r *Report) sort() {
	slices.SortFunc(r.Findings, rule.Compare)
	r.Findings = slices.CompactFunc(r.Findings, func(a, b Finding) bool { return rule.Compare(a, b) == 0 })
	slices.SortFunc(r.Allowed, func(a, b Allowed) int { return rule.Compare(a.Finding, b.Finding) })
	slices.SortFunc(r.Skipped, func(a, b Skipped) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason))
	})
	r.Skipped = slices.Compact(r.Skipped)
}
