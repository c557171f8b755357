package lint_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeve-run/reeve/lint"
)

// TestSARIFCountsUTF16 has a letter of two bytes and one unit, and a sign of four bytes
// and two units, before what is found and what is mended.
func TestSARIFCountsUTF16(t *testing.T) {
	dir := t.TempDir()
	src := "package m\n\nvar _, _ = \"ü😀\", 1\n"
	if err := os.WriteFile(filepath.Join(dir, "m.go"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	at := strings.IndexByte(src, '1')
	column := at - len("package m\n\n") + 1
	report := lint.Report{Findings: []lint.Finding{{
		Rule: "neverended", Severity: lint.SeverityError, File: "m.go", Line: 3, Column: column,
		Related: []lint.Related{{Role: "opened", File: "m.go", Line: 3, Column: column}},
		Fixes: []lint.Fix{{Edits: []lint.Edit{{
			File: "m.go", Start: at, End: at + 1, StartLine: 3, StartColumn: column, EndLine: 3, EndColumn: column + 1, New: "2",
		}}}},
	}}}
	var out bytes.Buffer
	if err := lint.WriteSARIF(&out, dir, report); err != nil {
		t.Fatal(err)
	}
	const want = len(`var _, _ = "`) + 1 + 2 + len(`", `) + 1
	for name, got := range writtenColumns(t, out.Bytes()) {
		if name == "end" && got != want+1 || name != "end" && got != want {
			t.Errorf("%s is in column %d, want %d", name, got, want)
		}
	}
}

func writtenColumns(t *testing.T, sarif []byte) map[string]int {
	t.Helper()
	type region struct{ StartColumn, EndColumn int }
	type place struct {
		PhysicalLocation struct{ Region region }
	}
	var log struct {
		Runs []struct {
			Results []struct {
				Locations, RelatedLocations []place
				Fixes                       []struct {
					ArtifactChanges []struct {
						Replacements []struct{ DeletedRegion region }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(sarif, &log); err != nil {
		t.Fatal(err)
	}
	r := log.Runs[0].Results[0]
	deleted := r.Fixes[0].ArtifactChanges[0].Replacements[0].DeletedRegion
	return map[string]int{
		"finding": r.Locations[0].PhysicalLocation.Region.StartColumn,
		"related": r.RelatedLocations[0].PhysicalLocation.Region.StartColumn,
		"start":   deleted.StartColumn, "end": deleted.EndColumn,
	}
}
