package tree_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/lint/tree"
)

func TestWalkHonoursGitignore(t *testing.T) {
	fsys := fstest.MapFS{
		".gitignore":          {Data: []byte("*.log\n/build/\ndocs/*.tmp\n**/gen\n!keep.log\n# no pattern\n\\#odd\n[a-c].txt\n")},
		"a.log":               {},
		"keep.log":            {},
		"a.txt":               {},
		"d.txt":               {},
		"#odd":                {},
		"build/x.go":          {},
		"sub/build/x.go":      {},
		"docs/x.tmp":          {},
		"docs/deep/x.tmp":     {},
		"sub/gen/x.go":        {},
		"sub/.gitignore":      {Data: []byte("secret.py\n!a.log\n")},
		"sub/secret.py":       {},
		"sub/a.log":           {},
		"secret.py":           {},
		"node_modules/x.py":   {},
		".hidden/x.py":        {},
		"env/pyvenv.cfg":      {},
		"env/lib/x.py":        {},
		"src/link":            {Mode: fs.ModeSymlink},
		"src/pkg/__init__.py": {},
	}
	got, skipped := paths(t, fsys, ".")
	want := []string{
		".gitignore", "d.txt", "docs/deep/x.tmp", "keep.log", "secret.py",
		"src/pkg/__init__.py", "sub/.gitignore", "sub/a.log", "sub/build/x.go",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"src/link"}, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

func TestWalkBelowKnowsTheIgnoresAbove(t *testing.T) {
	fsys := fstest.MapFS{".gitignore": {Data: []byte("*.log\n")}, "a/b/x.log": {}, "a/b/x.py": {}}
	got, _ := paths(t, fsys, "a/b")
	if diff := cmp.Diff([]string{"a/b/x.py"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestWalkOfNothing(t *testing.T) {
	if _, _, err := tree.Walk(t.Context(), fstest.MapFS{}, "missing"); err == nil {
		t.Error("a start that is not there gives no error")
	}
}

func paths(t *testing.T, fsys fstest.MapFS, start string) (found, skipped []string) {
	t.Helper()
	entries, left, err := tree.Walk(t.Context(), fsys, start)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Path)
	}
	for _, s := range left {
		skipped = append(skipped, s.Path)
	}
	return found, skipped
}
