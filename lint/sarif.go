package lint

import (
	"encoding/json"
	"io"
	"net/url"

	"github.com/reeve-run/reeve/lint/rule"
)

// The part of SARIF 2.1.0 that is written. Names are the standard's.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string      `json:"id"`
		ShortDescription     sarifText   `json:"shortDescription"`
		FullDescription      sarifText   `json:"fullDescription"`
		Help                 sarifText   `json:"help"`
		DefaultConfiguration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID           string             `json:"ruleId"`
		RuleIndex        int                `json:"ruleIndex"`
		Level            string             `json:"level"`
		Message          sarifText          `json:"message"`
		Locations        []sarifLocation    `json:"locations"`
		RelatedLocations []sarifLocation    `json:"relatedLocations,omitempty"`
		Suppressions     []sarifSuppression `json:"suppressions,omitempty"`
		Fixes            []sarifFix         `json:"fixes,omitempty"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted sarifText   `json:"insertedContent"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		ID       int           `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

var sarifLevels = map[Severity]string{SeverityError: "error", SeverityWarning: "warning", SeverityInfo: "note"}

// WriteSARIF prints a report as a SARIF 2.1.0 log, the format for programs. What was
// skipped is a notification of the invocation; what is allowed is a suppressed result.
// The files below dir, which the report's names are relative to, are read for the columns.
func WriteSARIF(w io.Writer, dir string, r Report) error {
	run := sarifRun{
		Tool:        sarifTool{Driver: sarifDriver{Name: "reeve", InformationURI: "https://github.com/reeve-run/reeve"}},
		ColumnKind:  "utf16CodeUnits",
		Invocations: []sarifInvocation{{ExecutionSuccessful: true, Notifications: notifications(r.Skipped)}},
		Results:     []sarifResult{},
	}
	at := columns{dir: dir, lines: map[string][][]byte{}}
	index := map[string]int{}
	for i, known := range rule.All() {
		index[known.Name] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, describe(known))
	}
	for _, f := range r.Findings {
		run.Results = append(run.Results, result(at, f, index[f.Rule]))
	}
	for _, a := range r.Allowed {
		res := result(at, a.Finding, index[a.Rule])
		res.Suppressions = []sarifSuppression{{Kind: "inSource", Justification: a.Reason}}
		run.Results = append(run.Results, res)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func describe(r Rule) sarifRule {
	return sarifRule{
		ID: r.Name, ShortDescription: sarifText{r.Summary}, FullDescription: sarifText{r.Why},
		Help: sarifText{r.Instead}, DefaultConfiguration: sarifConfig{sarifLevels[r.Severity]},
	}
}

func notifications(skipped []Skipped) []sarifNotification {
	var all []sarifNotification
	for _, s := range skipped {
		all = append(all, sarifNotification{
			Level: "warning", Message: sarifText{s.Path + ": " + s.Reason},
			Locations: []sarifLocation{{Physical: sarifPhysical{Artifact: sarifArtifact{uri(s.Path)}}}},
		})
	}
	return all
}

func result(c columns, f Finding, index int) sarifResult {
	res := sarifResult{
		RuleID: f.Rule, RuleIndex: index, Level: sarifLevels[f.Severity],
		Message:   sarifText{f.Message + ". " + f.Why + " " + f.Instead},
		Locations: []sarifLocation{location(c, f.File, f.Line, f.Column)},
	}
	for i, rel := range f.Related {
		at := location(c, rel.File, rel.Line, rel.Column)
		at.ID, at.Message = i+1, &sarifText{string(rel.Role) + ": " + rel.Message}
		res.RelatedLocations = append(res.RelatedLocations, at)
	}
	for _, fix := range f.Fixes {
		res.Fixes = append(res.Fixes, sarifFix{Description: sarifText{fix.Message}, Changes: changes(c, fix)})
	}
	return res
}

// changes are a fix's edits, one a file and place.
func changes(c columns, fix Fix) []sarifChange {
	var all []sarifChange
	for _, e := range fix.Edits {
		all = append(all, sarifChange{Artifact: sarifArtifact{uri(e.File)}, Replacements: []sarifReplacement{{
			Deleted: sarifRegion{
				StartLine: e.StartLine, StartColumn: c.utf16(e.File, e.StartLine, e.StartColumn),
				EndLine: e.EndLine, EndColumn: c.utf16(e.File, e.EndLine, e.EndColumn),
			},
			Inserted: sarifText{e.New},
		}}})
	}
	return all
}

func location(c columns, file string, line, column int) sarifLocation {
	return sarifLocation{Physical: sarifPhysical{
		Artifact: sarifArtifact{uri(file)}, Region: &sarifRegion{StartLine: line, StartColumn: c.utf16(file, line, column)},
	}}
}

// uri is a relative path as SARIF wants it.
func uri(file string) string { return (&url.URL{Path: file}).EscapedPath() }
