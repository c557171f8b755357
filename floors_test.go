package reeve_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/reeve-run/reeve"

// floors says on which floor each room stands; docs/architecture.md draws it. A room
// may import what stands lower, and its own packages. The programs that use the house (regress,
// examples) stand above the door.
var floors = map[string]int{
	".": 0, "session": 0,
	"agent": 1, "internal/journal": 1, "learning": 1, "internal/bus": 1, "internal/auth": 1, "wire": 1,
	"internal/pgtest": 1,
	"session/*":       1, "lint": 1,
	"internal/engine": 2, "internal/gateway": 2, "internal/console": 2, "internal/sqlite": 2,
	"internal/postgres": 2, "internal/memory": 2, "internal/storetest": 2, "client": 2,
	"internal/supervisor": 3, "internal/doctor": 3, "agenttest": 3, "agents": 3,
	"server": 4,
	"cli":    5,
	"cmd":    6, "regress": 6, "examples": 6,
}

// alone names rooms that people take without the house: what of it they may reach, at any depth.
var alone = map[string][]string{
	"session": {"session"},
	"lint":    {"lint"},
	"agent":   {"agent", ".", "session"},
}

// standardOnly names the packages that import nothing but the standard library.
var standardOnly = []string{".", "session"}

// databases are the ways to a database, with all below them. Only the guard and the stores, which go
// through it, know one; bench opens its bare one beside the store.
var databases = map[string][]string{
	"database/sql":            {"session", "internal/sqlite", "internal/postgres", "examples", "regress", "cli/bench"},
	"modernc.org/sqlite":      {"session", "internal/sqlite", "examples", "regress", "cli/bench"},
	"github.com/jackc/pgx/v5": {"session", "internal/postgres", "internal/pgtest", "internal/bus", "examples", "regress", "cli/bench"},
}

type goPackage struct {
	ImportPath string
	Dir        string
	Standard   bool
	Imports    []string
	Deps       []string
	Module     *struct{ Main bool }
}

// listPackages is the house's packages, and everything they need, as the go command sees them.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Dir,Standard,Imports,Deps,Module", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func own(all []goPackage) []goPackage {
	return slices.DeleteFunc(slices.Clone(all), func(p goPackage) bool { return p.Module == nil || !p.Module.Main })
}

// inside is an import path's place in the house; ok is false for what is not ours.
func inside(importPath string) (place string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// room is the first folder of a place; under internal, the first two.
func room(place string) string {
	parts := strings.Split(place, "/")
	if parts[0] == "internal" && len(parts) > 1 {
		return path.Join(parts[:2]...)
	}
	return parts[0]
}

// floor is where a place stands; -1 when its room has no floor.
func floor(place string) int {
	r := room(place)
	if place != r {
		if f, ok := floors[r+"/*"]; ok {
			return f
		}
	}
	if f, ok := floors[r]; ok {
		return f
	}
	return -1
}

func TestImportsFallOneWay(t *testing.T) {
	for _, p := range own(listPackages(t)) {
		from, _ := inside(p.ImportPath)
		if floor(from) < 0 {
			t.Errorf("%s stands on no floor: give its room a place in the table above and in docs/architecture.md", from)
		}
		for _, imported := range p.Imports {
			to, ok := inside(imported)
			if !ok || room(to) == room(from) {
				continue
			}
			if floor(to) >= floor(from) {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports fall to a lower floor", from, floor(from), to, floor(to))
			}
		}
	}
}

func TestRoomsThatStandAlone(t *testing.T) {
	for _, p := range own(listPackages(t)) {
		from, _ := inside(p.ImportPath)
		allowed, ok := alone[room(from)]
		if !ok {
			continue
		}
		for _, dep := range p.Deps {
			if to, ours := inside(dep); ours && !slices.Contains(allowed, room(to)) {
				t.Errorf("%s reaches %s: it may reach only %v of the house", from, to, allowed)
			}
		}
	}
}

func TestStandardLibraryOnly(t *testing.T) {
	all := listPackages(t)
	standard := map[string]bool{}
	for _, p := range all {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range own(all) {
		place, _ := inside(p.ImportPath)
		if !slices.Contains(standardOnly, place) {
			continue
		}
		for _, dep := range p.Deps {
			if !standard[dep] {
				t.Errorf("%s reaches %s: it imports the standard library only", place, dep)
			}
		}
	}
}

func TestOnlyTheGuardAndTheStoresKnowDatabases(t *testing.T) {
	for _, p := range own(listPackages(t)) {
		place, _ := inside(p.ImportPath)
		for database, rooms := range databases {
			if slices.ContainsFunc(p.Imports, below(database)) && !slices.ContainsFunc(rooms, func(r string) bool { return below(r)(place) }) {
				t.Errorf("%s imports %s: only %v open units of work", place, database, rooms)
			}
		}
	}
}

// below says whether a path is root, or inside it.
func below(root string) func(string) bool {
	return func(p string) bool { return p == root || strings.HasPrefix(p, root+"/") }
}

func TestEveryPackageHasItsDoc(t *testing.T) {
	for _, p := range own(listPackages(t)) {
		place, _ := inside(p.ImportPath)
		file := "doc.go"
		if room(place) == "examples" { // a program of one file says it there
			file = "*.go"
		}
		if !hasPackageComment(t, p.Dir, file) {
			t.Errorf("%s has no package comment in %s: say its duty, its rules and its failure handling", place, file)
		}
	}
}

func hasPackageComment(t *testing.T, dir, pattern string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.PackageClauseOnly)
		return err == nil && f.Doc.Text() != ""
	})
}

// dutiless are names that say nothing of what is inside.
var dutiless = regexp.MustCompile(`^(utils?|common|helpers?|managers?|misc|types)(_test)?(\.go)?$`)

// maxLines is the longest a file may be without a line that says why: // Long: the reason.
const maxLines = 500

var saysWhyLong = regexp.MustCompile(`(?m)^// Long: \S+ \S+`)

func TestFilesAndFolders(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && file != "."):
			return filepath.SkipDir
		case dutiless.MatchString(d.Name()):
			t.Errorf("%s: the name says no duty", file)
		case !d.IsDir() && path.Ext(file) == ".go":
			checkLength(t, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkLength(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	if n := bytes.Count(text, []byte("\n")); n > maxLines && !saysWhyLong.Match(text) {
		t.Errorf("%s has %d lines: divide it, or say why in a line that begins with // Long:", file, n)
	}
}
