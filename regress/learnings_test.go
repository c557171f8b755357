package regress

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve/lint"
	"github.com/reeve-run/reeve/session"
)

// The learnings are kept: each says what it must, and what it names exists.

const root = ".."

// learning is the head of one file of learnings/.
type learning struct {
	fields map[string]string
	lists  map[string][]string
}

// guardRules is every rule that a learning can name of the guard.
var guardRules = []session.Rule{
	session.RuleEnded, session.RuleOverlap, session.RuleRows, session.RuleNested, session.RuleByHand,
	session.RuleHeld, session.RuleCircle, session.RuleLeak, session.RuleDirty, session.RuleWait,
}

func TestLearnings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "learnings", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no learnings: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			l, err := parseLearning(readFile(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if id := strings.TrimSuffix(filepath.Base(file), ".md"); l.fields["id"] != id {
				t.Errorf("the id is %q, want the name of the file", l.fields["id"])
			}
			l.checkFields(t)
			l.checkRules(t)
			l.checkTests(t)
		})
	}
}

func (l learning) checkFields(t *testing.T) {
	if l.fields["title"] == "" || len(l.lists["tags"]) == 0 {
		t.Error("title and tags are needed")
	}
	if _, err := time.Parse(time.DateOnly, l.fields["date"]); err != nil {
		t.Errorf("date: %v", err)
	}
	if s := l.fields["severity"]; !slices.Contains([]string{"critical", "high", "medium", "low"}, s) {
		t.Errorf("severity %q: want critical, high, medium or low", s)
	}
}

func (l learning) checkRules(t *testing.T) {
	known := map[string]bool{}
	for _, r := range lint.Rules() {
		known["lint/"+r.Name] = true
	}
	for _, r := range guardRules {
		known["guard/"+string(r)] = true
	}
	for _, r := range l.lists["rules"] {
		if !known[r] {
			t.Errorf("rule %s: neither lint nor the guard has it", r)
		}
	}
}

func (l learning) checkTests(t *testing.T) {
	if len(l.lists["tests"]) == 0 {
		t.Error("no test holds it")
	}
	for _, name := range l.lists["tests"] {
		dir, test := filepath.Split(name)
		if !slices.Contains(testsIn(t, filepath.Join(root, dir)), test) {
			t.Errorf("test %s: there is none of that name in %s", test, dir)
		}
	}
}

// testsIn names the tests of a folder.
func testsIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests = append(tests, f.Name.Name)
			}
		}
	}
	return tests
}

var (
	fieldLine = regexp.MustCompile(`^(\w+): *(.*)$`)
	itemLine  = regexp.MustCompile(`^  - (.+)$`)
)

// parseLearning reads the head: fields of one line, lists in brackets, and lists of one item a line.
func parseLearning(text string) (learning, error) {
	l := learning{fields: map[string]string{}, lists: map[string][]string{}}
	head, ok := strings.CutPrefix(text, "---\n")
	head, _, closed := strings.Cut(head, "\n---\n")
	if !ok || !closed {
		return l, errors.New("there is no head between two lines of ---")
	}
	name := ""
	for line := range strings.SplitSeq(head, "\n") {
		if item := itemLine.FindStringSubmatch(line); item != nil && name != "" {
			l.lists[name] = append(l.lists[name], item[1])
			continue
		}
		field := fieldLine.FindStringSubmatch(line)
		if field == nil {
			return l, fmt.Errorf("%q is neither a field nor an item", line)
		}
		name = field[1]
		if in, ok := strings.CutPrefix(field[2], "["); ok {
			l.lists[name] = strings.Split(strings.TrimSuffix(in, "]"), ", ")
			continue
		}
		l.fields[name] = field[2]
	}
	return l, nil
}
