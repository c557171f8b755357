package rule

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
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// ParseSeverity reads a severity as a user types it.
func ParseSeverity(s string) (Severity, error) {
	switch v := Severity(s); v {
	case Error, Warning, Info:
		return v, nil
	}
	return "", fmt.Errorf("severity %q: want error, warning or info", s)
}

// AtLeast says whether s is as severe as bound, or more.
func (s Severity) AtLeast(bound Severity) bool { return s.rank() >= bound.rank() }

func (s Severity) rank() int { return slices.Index([]Severity{Info, Warning, Error}, s) }

// Finding is one flow that breaks a rule, at the line where it does. File has
// slashes and is relative to where the search was started; Line and Column count
// from 1, Column in bytes.
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
	Fixes    []Fix     `json:"fixes,omitempty"`   // each mends it; there is one only where that is certain
}

// Fix is a change of the source that mends a finding.
type Fix struct {
	Message string `json:"message"`
	Edits   []Edit `json:"edits"`
}

// Edit puts New in the place of the bytes from Start up to End, which count from 0.
// The lines and columns name the same place, as in Finding.
type Edit struct {
	File        string `json:"file"`
	Start       int    `json:"start"`
	End         int    `json:"end"`
	StartLine   int    `json:"startLine"`
	StartColumn int    `json:"startColumn"`
	EndLine     int    `json:"endLine"`
	EndColumn   int    `json:"endColumn"`
	New         string `json:"new"`
}

// Related is another line of a finding's flow.
type Related struct {
	Role    Role   `json:"role"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Role says what happens to the handle at a related line.
type Role string

// The roles of related lines.
const (
	Opened  Role = "opened"
	Passed  Role = "passed"
	Escaped Role = "escaped"
	Ended   Role = "ended"
	Used    Role = "used"
)

// Skipped is a file or package that could not be looked at, wholly or in part.
type Skipped struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Compare orders findings by place, then rule.
func Compare(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
}
