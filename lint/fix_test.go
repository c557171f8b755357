package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/lint"
)

// TestApplyFixes mends a copy of testdata/fixes, compares it with the golden file and
// holds that a second run has nothing left to mend.
func TestApplyFixes(t *testing.T) {
	dir, err := os.MkdirTemp("testdata", "mend") //nolint:usetesting // inside the module, so that its imports are found
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	src, err := os.ReadFile("testdata/fixes/fixes.go")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "fixes.go")
	if err := os.WriteFile(file, src, 0o600); err != nil {
		t.Fatal(err)
	}
	done := mend(t, dir)
	if len(done.Applied) != 7 || len(done.Refused) != 0 {
		t.Errorf("applied %d, refused %v", len(done.Applied), done.Refused)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/fixes/fixes.go.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
	if again := mend(t, dir); len(again.Applied)+len(again.Refused) != 0 {
		t.Errorf("a second run mended %v", again.Applied)
	}
}

func mend(t *testing.T, dir string) lint.Fixed {
	t.Helper()
	report, err := lint.Vet(t.Context(), lint.Options{Dir: dir, Paths: []string{"."}})
	if err != nil || len(report.Skipped) > 0 {
		t.Fatal(err, report.Skipped)
	}
	done, err := lint.ApplyFixes(dir, report)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestApplyFixesRefusesOverlap holds that a file with edits that meet is left whole.
func TestApplyFixesRefusesOverlap(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.go")
	if err := os.WriteFile(file, []byte("package a\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	finding := func(line, start, end int) lint.Finding {
		return lint.Finding{File: "a.go", Line: line, Fixes: []lint.Fix{{Edits: []lint.Edit{{File: "a.go", Start: start, End: end, New: "x", StartLine: 1}}}}}
	}
	done, err := lint.ApplyFixes(dir, lint.Report{Findings: []lint.Finding{finding(1, 0, 7), finding(2, 5, 9)}})
	if err != nil || len(done.Applied) != 0 || len(done.Refused) != 1 || !strings.Contains(done.Refused[0].Reason, "line 1") {
		t.Errorf("%+v, %v", done, err)
	}
	if src, _ := os.ReadFile(file); string(src) != "package a\n" {
		t.Errorf("the file was changed: %q", src)
	}
	if _, err := lint.ApplyFixes(dir, lint.Report{Findings: []lint.Finding{finding(1, 8, 9)}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if src, _ := os.ReadFile(file); err != nil || string(src) != "package x\n" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q, %v, %v", src, info.Mode(), err)
	}
}
