package pysession_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/lint/pysession"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var wantComment = regexp.MustCompile(`# want (.*)$`)

// TestFindings compares what is found in testdata with its "want" comments:
// "# want rule severity", more than one with "; " between them.
func TestFindings(t *testing.T) {
	files := load(t, "testdata")
	found, skipped, err := pysession.Check(t.Context(), files)
	if err != nil || len(skipped) > 0 {
		t.Fatalf("skipped %v, err %v", skipped, err)
	}
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Rule, f.Severity))
		if f.Message == "" || f.Why == "" || f.Instead == "" || f.Column < 1 {
			t.Errorf("%s:%d lacks words or a column: %+v", f.File, f.Line, f)
		}
	}
	if diff := cmp.Diff(wanted(files), got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func wanted(files []pysession.File) []string {
	var want []string
	for _, f := range files {
		for i, line := range strings.Split(string(f.Src), "\n") {
			if m := wantComment.FindStringSubmatch(line); m != nil {
				for one := range strings.SplitSeq(m[1], "; ") {
					want = append(want, fmt.Sprintf("%s:%d: %s", f.Name, i+1, one))
				}
			}
		}
	}
	return want
}

func load(t *testing.T, root string) []pysession.File {
	t.Helper()
	var files []pysession.File
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".py" {
			return err
		}
		src, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		files = append(files, pysession.File{Name: filepath.ToSlash(rel), Src: src})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b pysession.File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// TestHostileFilesAreSkipped holds that a file that no parser likes is named, and does
// not take the others with it.
func TestHostileFilesAreSkipped(t *testing.T) {
	wrong := "from sqlalchemy.orm import Session\nkeeper = object()\ndef f(db: Session):\n    keeper.db = db\n"
	hostile := map[string]string{
		"parens.py": "x = " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + "\n",
		"sum.py":    "x = f()" + strings.Repeat("+f()", 20000) + "\n",
		"chain.py":  "x = a" + strings.Repeat(".b()", 3000) + "\n",
		"nul.py":    "x = 1\x00\n",
		"broken.py": "def f(:\n",
		"utf8.py":   "x = '\xff\xfe'\n",
		"indent.py": strings.Repeat("if x:\n", 1) + "y\n",
	}
	files := []pysession.File{{Name: "a.py", Src: []byte(wrong)}, {Name: "z.py", Src: []byte(wrong)}}
	for name, text := range hostile {
		files = append(files, pysession.File{Name: name, Src: []byte(text)})
	}
	found, skipped, err := pysession.Check(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || len(skipped) < 5 {
		t.Errorf("found %v, skipped %v", found, skipped)
	}
}
