package lint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/lint"
)

const (
	keeper  = "class Keeper:\n    db = None\n\n\nkeeper = Keeper()\n"
	keeping = "from sqlalchemy.orm import Session\nfrom app.keeper import keeper\n\n\ndef keep(db: Session):\n    keeper.db = db\n"
)

// files writes a tree and gives its folder.
func files(t *testing.T, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func found(t *testing.T, o lint.Options) []string {
	t.Helper()
	report, err := lint.Vet(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, f := range report.Findings {
		names = append(names, f.File)
	}
	return names
}

// TestOneFileIsResolvedThroughTheOthers holds that a file asked for alone is resolved
// by what it imports, and that only its own findings are told.
func TestOneFileIsResolvedThroughTheOthers(t *testing.T) {
	dir := files(t, map[string]string{"app/keeper.py": keeper, "app/one.py": keeping, "app/two.py": strings.Replace(keeping, "app.keeper", ".keeper", 1)})
	if diff := cmp.Diff([]string{"app/one.py"}, found(t, lint.Options{Dir: dir, Paths: []string{"app/one.py"}})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"app/two.py"}, found(t, lint.Options{Dir: dir, Paths: []string{"app/two.py"}})); diff != "" {
		t.Errorf("findings with a relative import (-want +got):\n%s", diff)
	}
}

// TestChanged looks only at what a change reaches.
func TestChanged(t *testing.T) {
	dir := files(t, map[string]string{"app/keeper.py": keeper, "app/one.py": keeping, "app/alone.py": strings.ReplaceAll(keeping, "app.keeper", "lib.keeper"), "lib/keeper.py": keeper})
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	if diff := cmp.Diff([]string{}, found(t, lint.Options{Dir: dir, Changed: "HEAD"})); diff != "" {
		t.Errorf("nothing has changed (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "app/keeper.py"), []byte(keeper+"# changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app/one.py"}, found(t, lint.Options{Dir: dir, Changed: "HEAD"})); diff != "" {
		t.Errorf("what reaches the change (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"nonsense", "--output=x"} {
		if _, err := lint.Vet(t.Context(), lint.Options{Dir: dir, Changed: bad}); err == nil {
			t.Errorf("revision %q gives no error", bad)
		}
	}
}

func TestWrongPaths(t *testing.T) {
	for _, p := range []string{"missing", "missing.py"} {
		if _, err := lint.Vet(t.Context(), lint.Options{Dir: t.TempDir(), Paths: []string{p}}); err == nil {
			t.Errorf("path %q gives no error", p)
		}
	}
	if _, err := lint.Vet(t.Context(), lint.Options{Dir: t.TempDir(), Paths: []string{".."}, Confined: true}); err == nil {
		t.Error("a confined search goes outside")
	}
	report, err := lint.Vet(t.Context(), lint.Options{Dir: t.TempDir(), Paths: []string{"./..."}})
	if err != nil || report.Files != 0 {
		t.Errorf("an empty folder: %+v, %v", report, err)
	}
}
