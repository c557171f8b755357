package regress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/lint"
	"github.com/reeve-run/reeve/lint/rule"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// Session reference prevention: no agent, at any depth, can reach a session of the handler.

// TestTypesKeepTheHandlersSessionOut holds it by type: the origin's mistake, and its relatives, do not compile.
func TestTypesKeepTheHandlersSessionOut(t *testing.T) {
	if broken := compile(t, "allowed"); len(broken) > 0 {
		t.Fatalf("the right way does not compile: %v", broken)
	}
	broken := compile(t, "refused")
	wants := expected(t, "refused")
	if len(wants) < 8 {
		t.Fatalf("only %d lines are marked: the marks are not read", len(wants))
	}
	for line, want := range wants {
		says := broken[line]
		if !slices.ContainsFunc(says, want.MatchString) {
			t.Errorf("refused.go:%d compiles, or is refused for another reason: %q, want %s", line, says, want)
		}
		delete(broken, line)
	}
	for line, says := range broken {
		t.Errorf("refused.go:%d is refused unexpectedly: %q", line, says)
	}
}

// compile gives the compiler's errors about a folder of testdata, by line.
func compile(t *testing.T, name string) map[int][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*hang) // a cold cache builds the server first
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-gcflags=-e", "./testdata/"+name).CombinedOutput()
	broken := map[int][]string{}
	for _, m := range compilerLine.FindAllStringSubmatch(string(out), -1) {
		line, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		broken[line] = append(broken[line], m[2])
	}
	if err != nil && len(broken) == 0 {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return broken
}

// compilerLine is one error of the compiler, with what belongs to it on the lines below.
var compilerLine = regexp.MustCompile(`(?m)^testdata/\w+/\w+\.go:(\d+):\d+: (.*(?:\n\t.*)*)`)

var wantMark = regexp.MustCompile(`// want "([^"]+)"`)

// expected reads the marks of the file that must not compile.
func expected(t *testing.T, name string) map[int]*regexp.Regexp {
	t.Helper()
	marks := map[int]*regexp.Regexp{}
	for i, line := range strings.Split(readFile(t, filepath.Join("testdata", name, name+".go")), "\n") {
		if m := wantMark.FindStringSubmatch(line); m != nil {
			marks[i+1] = regexp.MustCompile(m[1])
		}
	}
	return marks
}

// lent is the mistake, as a package variable could make it: what no type can forbid.
type lent struct {
	tx       atomic.Pointer[sessionsql.Tx]
	returned chan struct{} // closed when the handler has returned
}

// deep is an agent that goes down so many agents and then uses the lent session.
func (l *lent) deep() *agent.Agent[int, int] {
	var deep *agent.Agent[int, int]
	deep = agent.New("deep", func(ctx agent.Context, depth int) (int, error) {
		if depth > 0 {
			return agent.Call(ctx, deep, depth-1)
		}
		return agent.Step(ctx, "use", func(ctx context.Context) (int, error) {
			select {
			case <-l.returned:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
			return 1, note(ctx, l.tx.Load(), "by the agent")
		})
	})
	return deep
}

// TestALentSessionIsRefusedAtEveryDepth holds it at run time. It is the origin itself: a handler stores its
// session where a supervisor finds it, starts the supervisor, and returns; the supervisor uses
// it. There it hung; here it is an error at once, which names the lines.
func TestALentSessionIsRefusedAtEveryDepth(t *testing.T) {
	for _, depth := range []int{0, 1, 5} {
		t.Run(fmt.Sprint("depth ", depth), func(t *testing.T) {
			_, pool := database(t)
			l := &lent{returned: make(chan struct{})}
			h := open(t, l.deep())
			handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				err := pool.Do(r.Context(), func(ctx context.Context, tx *sessionsql.Tx) error {
					l.tx.Store(tx)
					fmt.Fprint(w, h.begin("deep", depth).ID)
					return note(ctx, tx, "by the handler")
				})
				if err != nil {
					t.Errorf("the handler: %v", err)
				}
				close(l.returned)
			}))
			defer handler.Close()

			run := h.await(reeve.RunID(get(t, handler.URL)), hang)
			if run.Status != reeve.StatusFailed || run.Error.Code != reeve.CodeIllegalState {
				t.Fatalf("run is %s with %+v", run.Status, run.Error)
			}
			for _, part := range []string{"exec refused: the unit is ended", "session_reference_test.go"} {
				if !strings.Contains(run.Error.Message, part) {
					t.Errorf("the error does not say %q: %s", part, run.Error.Message)
				}
			}
			if n := notes(t, pool); n != 1 {
				t.Errorf("%d notes, want the handler's alone", n)
			}
		})
	}
}

// TestASessionInUseIsRefused has the agent use the handler's session while the handler itself does.
func TestASessionInUseIsRefused(t *testing.T) {
	_, pool := database(t)
	l := &lent{returned: make(chan struct{})}
	close(l.returned) // nobody is waited for
	h := open(t, l.deep())
	ctx, cancel := context.WithCancel(t.Context())
	handled := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		handled <- pool.Do(ctx, func(ctx context.Context, tx *sessionsql.Tx) error {
			l.tx.Store(tx)
			close(begun)
			const endless = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`
			var n int
			return tx.QueryRowContext(ctx, endless).Scan(&n)
		})
	}()
	<-begun
	eventually(t, "the handler's query runs", func() bool {
		return slices.ContainsFunc(session.Units(), func(u session.Unit) bool { return u.InUse && strings.HasPrefix(u.Pool, "own ") })
	})
	run := h.await(h.begin("deep", 2).ID, hang)
	if run.Status != reeve.StatusFailed || run.Error.Code != reeve.CodeIllegalState || !strings.Contains(run.Error.Message, "in use") {
		t.Errorf("run is %s with %+v", run.Status, run.Error)
	}
	cancel()
	if err := within(handled); err == nil {
		t.Error("the endless query ended well")
	}
}

// TestNothingIsWaitedForWithAUnitOpen has an agent hold a unit of its own while it calls whatever can wait.
func TestNothingIsWaitedForWithAUnitOpen(t *testing.T) {
	_, pool := database(t)
	other := agent.New("other", func(agent.Context, int) (int, error) { return 1, nil })
	operations := map[string]func(agent.Context) error{
		"step": func(ctx agent.Context) error {
			_, err := agent.Step(ctx, "inner", func(context.Context) (int, error) { return 1, nil })
			return err
		},
		"call":     func(ctx agent.Context) error { _, err := agent.Call(ctx, other, 1); return err },
		"parallel": func(ctx agent.Context) error { _, err := agent.Parallel(ctx, other, []int{1, 2}); return err },
		"go":       func(ctx agent.Context) error { _, err := agent.Go(ctx, other, 1).Wait(ctx); return err },
		"ask":      func(ctx agent.Context) error { _, err := agent.Ask(ctx, "q", agent.Question[int]{}); return err },
		"sleep":    func(ctx agent.Context) error { return agent.Sleep(ctx, "nap", time.Hour) },
		"emit":     func(ctx agent.Context) error { return agent.Emit(ctx, "text") },
		"tx": func(ctx agent.Context) error {
			_, err := agent.Tx(ctx, "inner", pool, func(context.Context, *sessionsql.Tx) (int, error) { return 1, nil })
			return err
		},
	}
	holding := agent.New("holding", func(ctx agent.Context, operation string) (int, error) {
		err := pool.Do(ctx, func(ctx2 context.Context, _ *sessionsql.Tx) error { return operations[operation](ctx) })
		return 1, err
	})
	h := open(t, holding)
	for name := range operations {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			run := h.await(h.begin("holding", name).ID, hang)
			if run.Status != reeve.StatusFailed || run.Error.Code != reeve.CodeIllegalState {
				t.Fatalf("run is %s with %+v", run.Status, run.Error)
			}
			if !strings.Contains(run.Error.Message, "opened at") {
				t.Errorf("the error does not name the line that opened the unit: %s", run.Error.Message)
			}
		})
	}
}

// TestOurAnalyzerIsCleanOnOurCode holds it before the program runs: no session of ours is lent.
func TestOurAnalyzerIsCleanOnOurCode(t *testing.T) {
	report := vet(t, "..", "./...")
	if report.Files < 100 {
		t.Fatalf("only %d files were looked at", report.Files)
	}
	for _, f := range report.Findings {
		if f.Severity.AtLeast(lint.SeverityError) {
			t.Errorf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Message)
		}
	}
}

// vet runs the command as a user does, in a process without the race detector, with which it would take a minute.
func vet(t *testing.T, dir string, paths ...string) lint.Report {
	t.Helper()
	binary, err := builtOnce()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"vet", "--format", "json"}, paths...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output() // its status says whether something was found
	var report lint.Report
	if broken := json.Unmarshal(out, &report); broken != nil {
		t.Fatalf("reeve vet: %v, %v\n%s", err, broken, stderr.String())
	}
	return report
}

// TestOurAnalyzerFindsTheOrigin shows that clean means something: both ways in which the handler
// lent its session are found, in both languages.
func TestOurAnalyzerFindsTheOrigin(t *testing.T) {
	report := vet(t, "testdata/origin", "handler.py", "handler.go")
	for _, file := range []string{"handler.py", "handler.go"} {
		for _, name := range []string{rule.Stored, rule.Spawned} {
			if !slices.ContainsFunc(report.Findings, func(f lint.Finding) bool { return filepath.Base(f.File) == file && f.Rule == name }) {
				t.Errorf("%s: %s is not found in %+v (skipped: %+v)", file, name, report.Findings, report.Skipped)
			}
		}
	}
}
