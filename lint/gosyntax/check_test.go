package gosyntax_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/lint/gosyntax"
)

// TestFindings compares what is found in testdata with its "want" comments.
func TestFindings(t *testing.T) {
	src, err := os.ReadFile("testdata/app.go")
	if err != nil {
		t.Fatal(err)
	}
	found, skipped := gosyntax.Check([]gosyntax.File{{Name: "app.go", Src: src}})
	if len(skipped) > 0 {
		t.Errorf("skipped %v", skipped)
	}
	var want, got []string
	for i, line := range strings.Split(string(src), "\n") {
		if _, w, ok := strings.Cut(line, "// want "); ok {
			want = append(want, fmt.Sprintf("app.go:%d: %s", i+1, w))
		}
	}
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Rule, f.Severity))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestABrokenFileDoesNotHideTheOthers(t *testing.T) {
	found, skipped := gosyntax.Check([]gosyntax.File{
		{Name: "broken.go", Src: []byte("package app\nfunc (")},
		{Name: "fine.go", Src: []byte("package app\nimport \"database/sql\"\nfunc f(tx *sql.Tx) { go g(tx) }\n")},
	})
	if len(skipped) != 1 || skipped[0].Path != "broken.go" || len(found) != 1 || found[0].File != "fine.go" {
		t.Errorf("found %v, skipped %v", found, skipped)
	}
}

// FuzzCheck holds that no text, however broken, makes Check panic.
func FuzzCheck(f *testing.F) {
	src, err := os.ReadFile("testdata/app.go")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(src)
	f.Add([]byte("package p\nimport \"database/sql\"\nfunc f(a ...*sql.Tx) { go a[0].Commit(); x.y = a[0]; <-a }"))
	f.Fuzz(func(t *testing.T, src []byte) {
		gosyntax.Check([]gosyntax.File{{Name: "f.go", Src: src}})
	})
}
