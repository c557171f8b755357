package lint

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says how sure a finding is.
type Severity string

// The severities, from the surest. An error is a bug; a warning is likely, not
// proven; info is worth knowing.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// ParseSeverity reads a severity as a user types it.
func ParseSeverity(s string) (Severity, error) {
	switch v := Severity(s); v {
	case SeverityError, SeverityWarning, SeverityInfo:
		return v, nil
	}
	return "", fmt.Errorf("severity %q: want error, warning or info", s)
}

// AtLeast says whether s is as severe as bound, or more.
func (s Severity) AtLeast(bound Severity) bool { return s.rank() >= bound.rank() }

func (s Severity) rank() int {
	return slices.Index([]Severity{SeverityInfo, SeverityWarning, SeverityError}, s)
}

// Finding is one flow that breaks a rule, at the line where it does. File is
// relative to Options.Dir, with slashes; Line and Column count from 1, Column in bytes.
type Finding struct {
	Rule     string    `json:"rule"`
	Severity Severity  `json:"severity"`
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Column   int       `json:"column"`
	Message  string    `json:"message"`           // what is wrong here
	Why      string    `json:"why"`               // what happens then
	Instead  string    `json:"instead"`           // what to write
	Related  []Related `json:"related,omitempty"` // the flow, in its order
}

// Related is another line of a finding's flow. Role is "opened", "passed", "escaped" or "ended".
type Related struct {
	Role    string `json:"role"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Allowed is a finding that a comment in the source allows, with the reason given there.
type Allowed struct {
	Finding
	Reason string `json:"reason"`
}

// Skipped is a file or package that could not be looked at, wholly or in part.
type Skipped struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Report is what Vet found. Each list is sorted by file and line.
type Report struct {
	Findings []Finding `json:"findings"`
	Allowed  []Allowed `json:"allowed"`
	Skipped  []Skipped `json:"skipped"`
	Files    int       `json:"files"` // files looked at
}

// Worst counts the findings at or above the severity.
func (r Report) Worst(bound Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity.AtLeast(bound) {
			n++
		}
	}
	return n
}

func (r *Report) sort() {
	slices.SortFunc(r.Findings, compareFindings)
	r.Findings = slices.CompactFunc(r.Findings, func(a, b Finding) bool { return compareFindings(a, b) == 0 })
	slices.SortFunc(r.Allowed, func(a, b Allowed) int { return compareFindings(a.Finding, b.Finding) })
	slices.SortFunc(r.Skipped, func(a, b Skipped) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason))
	})
	r.Skipped = slices.Compact(r.Skipped)
}

func compareFindings(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
}
