package lint_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/lint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGo compares what is found in testdata with its "want" comments, "// want rule severity".
func TestGo(t *testing.T) {
	report, err := lint.Vet(t.Context(), lint.Options{Dir: "testdata/golang", Paths: []string{"bodies", "commits", "ends", "iters", "layers", "likely", "pools", "rows", "spawned", "state", "stored", "wrapped", "wrapper"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Skipped) > 0 {
		t.Errorf("skipped %v", report.Skipped)
	}
	if diff := cmp.Diff(wanted(t, "testdata/golang"), findings(report)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func wanted(t *testing.T, root string) []string {
	t.Helper()
	var want []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		src, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		for i, line := range strings.Split(string(src), "\n") {
			if _, w, ok := strings.Cut(line, "// want "); ok {
				want = append(want, fmt.Sprintf("%s:%d: %s", filepath.ToSlash(rel), i+1, w))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// TestGoLeavesOutWhatTheGoCommandLeavesOut has a folder that does not compile, and that go ignores.
func TestGoLeavesOutWhatTheGoCommandLeavesOut(t *testing.T) {
	dir := t.TempDir()
	for name, src := range map[string]string{"go.mod": "module m\n", "m.go": "package m\n", "_old/old.go": "package old; func {"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report, err := lint.Vet(t.Context(), lint.Options{Dir: dir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Skipped) > 0 || report.Files != 1 {
		t.Errorf("looked at %d files, skipped %v", report.Files, report.Skipped)
	}
}

// TestLibraries is TestGo for libraries that are not dependencies of reeve: a module of
// its own has them.
func TestLibraries(t *testing.T) {
	dir := filepath.Join("testdata", "libraries")
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", ".")
	list.Dir = dir
	if out, err := list.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the libraries cannot be had: %v\n%s", err, out)
		}
		t.Skipf("the libraries cannot be had: %v\n%s", err, out)
	}
	report, err := lint.Vet(t.Context(), lint.Options{Dir: dir, Paths: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Skipped) > 0 {
		t.Errorf("skipped %v", report.Skipped)
	}
	if diff := cmp.Diff(wanted(t, dir), findings(report)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func findings(report lint.Report) []string {
	var got []string
	for _, f := range report.Findings {
		got = append(got, fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Rule, f.Severity))
	}
	return got
}
