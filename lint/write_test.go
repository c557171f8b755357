package lint_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/reeve-run/reeve/lint"
)

var sample = lint.Report{
	Findings: []lint.Finding{{
		Rule: "sessionstored", Severity: lint.SeverityError, File: "a dir/ü.py", Line: 3, Column: 5,
		Message: "stored", Why: "it lives on.", Instead: "Pass it.",
		Related: []lint.Related{{Role: "opened", File: "a dir/ü.py", Line: 1, Column: 1, Message: "opened here"}},
		Fixes: []lint.Fix{{Message: "Pass it", Edits: []lint.Edit{{
			File: "a dir/ü.py", Start: 3, End: 3, StartLine: 1, StartColumn: 4, EndLine: 1, EndColumn: 4, New: "x",
		}}}},
	}, {Rule: "waitholding", Severity: lint.SeverityWarning, File: "b.go", Line: 1, Column: 1, Message: "waits"}},
	Allowed: []lint.Allowed{{
		Finding: lint.Finding{Rule: "neverended", Severity: lint.SeverityInfo, File: "c.go", Line: 9, Column: 1, Message: "open"},
		Reason:  "it ends with the program",
	}},
	Skipped: []lint.Skipped{{Path: "broken.py", Reason: "does not parse: line 1"}},
	Files:   4,
}

// TestSARIFIsValid validates what is written, byte for byte, against the standard's
// own schema, which another module carries.
func TestSARIFIsValid(t *testing.T) {
	schema := compileSchema(t)
	for name, report := range map[string]lint.Report{"full": sample, "empty": {}} {
		var out bytes.Buffer
		if err := lint.WriteSARIF(&out, t.TempDir(), report); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses holds that the validation would notice a fault.
func TestSchemaRefuses(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[{"level":"bad"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if compileSchema(t).Validate(doc) == nil {
		t.Error("a log without a driver's name is valid")
	}
}

// compileSchema takes the schema out of the source of go-sarif, where it is a constant
// that is not exported.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var _ sarif.Report // keeps the module that carries the schema in go.mod
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(src), "`")
	text = text[:strings.LastIndex(text, "`")]
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSARIFHasOneResultAFlow(t *testing.T) {
	var out bytes.Buffer
	if err := lint.WriteSARIF(&out, t.TempDir(), sample); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID           string
				Level            string
				Locations        []location
				RelatedLocations []location
				Suppressions     []struct{ Kind, Justification string }
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	results := log.Runs[0].Results
	if len(results) != 3 {
		t.Fatalf("%d results, want 3", len(results))
	}
	first := results[0]
	if first.RuleID != "sessionstored" || first.Level != "error" || len(first.RelatedLocations) != 1 {
		t.Errorf("first result: %+v", first)
	}
	at := first.Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "a%20dir/%C3%BC.py" || at.Region.StartLine != 3 {
		t.Errorf("first place: %+v", at)
	}
	if results[2].Level != "note" || len(results[2].Suppressions) != 1 || results[2].Suppressions[0].Justification == "" {
		t.Errorf("what is allowed: %+v", results[2])
	}
}

type location struct {
	PhysicalLocation struct {
		ArtifactLocation struct{ URI string }
		Region           struct{ StartLine int }
	}
}

func TestJSONReadsBack(t *testing.T) {
	var out bytes.Buffer
	if err := lint.WriteJSON(&out, sample); err != nil {
		t.Fatal(err)
	}
	var back lint.Report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, back); diff != "" {
		t.Errorf("report (-written +read):\n%s", diff)
	}
	out.Reset()
	if err := lint.WriteJSON(&out, lint.Report{}); err != nil || strings.Contains(out.String(), "null") {
		t.Errorf("an empty report has nulls: %s %v", out.String(), err)
	}
}

func TestTextTellsEverything(t *testing.T) {
	var out bytes.Buffer
	if err := lint.WriteText(&out, sample); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a dir/ü.py:3:5: error: stored [sessionstored]", "opened   a dir/ü.py:1:1", "why      it lives on.", "instead  Pass it.",
		"allowed: open [neverended] because it ends with the program", "1 errors, 1 warnings, 0 infos, 1 allowed; 4 files looked at, 1 skipped",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, out.String())
		}
	}
}
