package lint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeve-run/reeve/lint"
)

// TestVetTool runs the rules inside go vet, over packages with facts between them.
func TestVetTool(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "reevelint")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "./reevelint").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-vettool="+tool, "./testdata/golang/stored", "./testdata/golang/wrapped", "./testdata/golang/allowed")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("go vet found nothing")
	}
	for _, want := range []string{"stored.go:43:", "wrapped.go:19:", "wrapped.go:24:"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("go vet did not print %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "allowed.go:14") {
		t.Errorf("go vet printed what is allowed:\n%s", out)
	}
}

func TestRanByVet(t *testing.T) {
	for args, want := range map[string]bool{"-V=full": true, "-flags": true, "/tmp/b001/vet.cfg": true, "vet ./...": false, "": false} {
		if got := lint.RanByVet(strings.Fields(args)); got != want {
			t.Errorf("RanByVet(%q) = %v", args, got)
		}
	}
}

// TestAllowed holds that a comment with a reason takes a finding out and is listed, and
// that one without does not count.
func TestAllowed(t *testing.T) {
	report, err := lint.Vet(t.Context(), lint.Options{Dir: "testdata/golang/allowed"})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Allowed) != 2 || report.Allowed[0].Reason != "it lives as long as the program" {
		t.Errorf("allowed: %+v", report.Allowed)
	}
	if len(report.Findings) != 1 || !strings.Contains(report.Findings[0].Message, "gives no reason") {
		t.Errorf("findings: %+v", report.Findings)
	}
}

// TestWithoutDependencies looks at a module whose dependencies are missing and at one
// that does not compile: by syntax, and said so.
func TestWithoutDependencies(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/go.mod", "module example.com/a\n\ngo 1.24\n\nrequire example.com/missing v1.2.3\n")
	write("a/a.go", "package a\n\nimport (\n\t\"database/sql\"\n\n\t\"example.com/missing\"\n)\n\n"+
		"type S struct{ tx *sql.Tx }\n\nfunc f(db *sql.DB, s *S) error {\n\tmissing.X()\n\ttx, err := db.Begin()\n\tif err != nil {\n\t\treturn err\n\t}\n"+
		"\tdefer tx.Rollback()\n\ts.tx = tx\n\treturn nil\n}\n")
	write("b/loose.go", "package b\n\nimport \"database/sql\"\n\nfunc g(tx *sql.Tx) { go h(tx) }\n")
	report, err := lint.Vet(t.Context(), lint.Options{Dir: dir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 2 || report.Findings[0].Line != 18 || report.Findings[1].File != "b/loose.go" {
		t.Errorf("findings: %+v", report.Findings)
	}
	if len(report.Skipped) != 2 || !strings.Contains(report.Skipped[0].Reason+report.Skipped[1].Reason, "by syntax alone") {
		t.Errorf("skipped: %+v", report.Skipped)
	}
}

// TestVetToolFixes runs go vet -fix with the tool over another module.
func TestVetToolFixes(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "reevelint")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "./reevelint").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range map[string]string{
		"go.mod": "module example.com/other\n\ngo 1.24\n",
		"a.go": "package other\n\nimport \"database/sql\"\n\nfunc f(db *sql.DB) error {\n\t_, err := db.Query(\"vacuum\")\n" +
			"\treturn err\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-fix", "-vettool="+tool, "./...")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if src, err := os.ReadFile(filepath.Join(dir, "a.go")); err != nil || !strings.Contains(string(src), `db.Exec("vacuum")`) {
		t.Errorf("go vet -fix left %s (%v)\n%s", src, err, out)
	}
}
