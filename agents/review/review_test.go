package review_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agents/review"
	"github.com/reeve-run/reeve/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	wrongPython = "from sqlalchemy.ext.asyncio import AsyncSession\n\nasync def handle(supervisor, db: AsyncSession):\n    supervisor.db_session = db\n"
	wrongGo     = "package app\n\nimport (\n\t\"context\"\n\n\t\"github.com/jackc/pgx/v5/pgxpool\"\n)\n\n" +
		"type Supervisor struct{ Conn *pgxpool.Conn }\n\n" +
		"func Handle(ctx context.Context, pool *pgxpool.Pool, s *Supervisor) error {\n" +
		"\tconn, err := pool.Acquire(ctx)\n\tif err != nil {\n\t\treturn err\n\t}\n\tdefer conn.Release()\n\ts.Conn = conn\n\treturn nil\n}\n"
)

// writeTree makes a folder with the files, and gives its path.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
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

func run(t *testing.T, path string, roots ...string) *agenttest.Result[review.Output] {
	t.Helper()
	a := review.New(roots...)[0].(*agent.Agent[review.Input, review.Output])
	return agenttest.Run(t, a, review.Input{Path: path}, agenttest.RealTime())
}

func TestReviewTellsFileLineWhyAndInstead(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"web/handler.py": wrongPython, "app/app.go": wrongGo,
		"web/broken.py": "def f(:\n", "web/zero.py": "x = 1\x00\n", "app/broken.go": "package app\nfunc (\n",
		"web/huge.py": strings.Repeat("# long\n", 400_000), "notes.md": "hello",
		".gitignore": "/ignored/\n", "ignored/handler.py": wrongPython,
		"web/.gitignore": "gen_*.py\n", "web/gen_handler.py": wrongPython,
	})
	res := run(t, ".", dir)
	if res.Err != nil {
		t.Fatalf("%v\n%s", res.Err, res.Log())
	}
	for _, want := range []string{
		"`web/handler.py:4` sessionstored (error)", "`app/app.go:17` sessionstored (error)", "Why it matters:", "Instead:",
		"`web/broken.py`: does not parse", "`web/zero.py`", "`web/huge.py`", "`app/broken.go`", "| Python |",
	} {
		if !strings.Contains(res.Output.Text, want) {
			t.Errorf("the report lacks %q:\n%s", want, res.Output.Text)
		}
	}
	if strings.Contains(res.Output.Text, "ignored/") || strings.Contains(res.Output.Text, "gen_handler") {
		t.Errorf("the report tells of what git ignores:\n%s", res.Output.Text)
	}
	if c := res.Output.Counts; c.Errors != 2 || c.Skipped != 5 {
		t.Errorf("counts = %+v, want 2 errors and 5 skipped (four files, and that there is no go.mod)", c)
	}
}

func TestReviewScansFoldersInParallel(t *testing.T) {
	files := map[string]string{}
	for _, dir := range []string{"a", "b", "c"} {
		for i := range 30 {
			files[fmt.Sprintf("%s/m%d.py", dir, i)] = "x = 1\n"
		}
		files[dir+"/handler.py"] = wrongPython
	}
	res := run(t, ".", writeTree(t, files))
	if res.Err != nil || res.Output.Counts.Errors != 3 {
		t.Fatalf("%+v %v\n%s", res.Output.Counts, res.Err, res.Log())
	}
	scans := 0
	for _, e := range res.Log() {
		if e.Kind == reeve.KindAgentCalled && strings.HasPrefix(e.Path, "scan") {
			scans++
		}
	}
	if scans != 3 {
		t.Errorf("%d scans, want one a folder\n%s", scans, res.Log())
	}
}

func TestReviewRefusesWhatIsOutside(t *testing.T) {
	outside := writeTree(t, map[string]string{"secret.py": wrongPython})
	dir := writeTree(t, map[string]string{"in/x.py": "x = 1\n"})
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.py"), filepath.Join(dir, "in", "link.py")); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]reeve.Code{
		"..": reeve.CodeForbidden, outside: reeve.CodeForbidden, "/": reeve.CodeForbidden, "link": reeve.CodeForbidden,
		"in/link.py": reeve.CodeForbidden, "link/secret.py": reeve.CodeForbidden, "missing": reeve.CodeNotFound,
		"in/../../x": reeve.CodeForbidden,
	} {
		if res := run(t, path, dir); reeve.CodeOf(res.Err) != code || !strings.Contains(res.Err.Error(), "path") {
			t.Errorf("path %q: %v, want %s", path, res.Err, code)
		}
	}
	res := run(t, "in", dir)
	if res.Err != nil || res.Output.Counts.Errors != 0 || !strings.Contains(res.Output.Text, "`in/link.py`: is a symbolic link") {
		t.Errorf("a link inside the tree: %v\n%s", res.Err, res.Output.Text)
	}
}

func TestReviewOfNothing(t *testing.T) {
	res := run(t, ".", writeTree(t, map[string]string{"notes.md": "no code"}))
	if res.Err != nil || res.Output.Counts.Files != 1 || !strings.Contains(res.Output.Text, "No database session") {
		t.Errorf("%v\n%s", res.Err, res.Output.Text)
	}
}

func TestReviewSurvivesEveryCrash(t *testing.T) {
	dir := writeTree(t, map[string]string{"web/handler.py": wrongPython, "app/app.go": wrongGo})
	a := review.New(dir)[0].(*agent.Agent[review.Input, review.Output])
	agenttest.EveryCrash(t, a, review.Input{Path: "."}, agenttest.RealTime())
}
