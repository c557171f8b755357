package gosyntax

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"strings"
)

//go:embed outline/*.txt
var outlines embed.FS

var outlineOf = map[string]string{
	"database/sql":                 "sql",
	"github.com/jackc/pgx":         "pgx",
	"github.com/jackc/pgx/pgxpool": "pgxpool",
	"github.com/jmoiron/sqlx":      "sqlx",
}

// outlined resolves imports without looking at disk or network. It belongs to
// one goroutine.
type outlined struct {
	fset *token.FileSet
	seen map[string]*types.Package
}

var versionPart = regexp.MustCompile(`/v[0-9]+(/|$)`)

// Import implements types.Importer; it does not fail.
func (o *outlined) Import(at string) (*types.Package, error) {
	if p := o.seen[at]; p != nil {
		return p, nil
	}
	pkg := o.load(at)
	o.seen[at] = pkg
	return pkg, nil
}

func (o *outlined) load(at string) *types.Package {
	name := outlineOf[strings.TrimSuffix(versionPart.ReplaceAllString(at, "/"), "/")]
	if name == "" {
		pkg := types.NewPackage(at, guessName(at))
		pkg.MarkComplete()
		return pkg
	}
	pkg, err := o.check(at, name)
	if err != nil {
		panic(fmt.Sprintf("the outline of %s is wrong: %v", at, err)) // it is embedded: a fault of ours
	}
	return pkg
}

func (o *outlined) check(at, name string) (*types.Package, error) {
	src, err := outlines.ReadFile("outline/" + name + ".go.txt")
	if err != nil {
		return nil, err
	}
	// pgxpool speaks of the pgx it came with: same module, same major version.
	text := strings.Replace(string(src), `"PGX"`, `pgx "`+strings.TrimSuffix(at, "/pgxpool")+`"`, 1)
	file, err := parser.ParseFile(o.fset, name+".go", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	conf := types.Config{Importer: o, IgnoreFuncBodies: true}
	return conf.Check(at, o.fset, []*ast.File{file}, nil)
}

// guessName is what a package most likely calls itself; only its own source could say.
func guessName(at string) string {
	at = strings.TrimSuffix(versionPart.ReplaceAllString(at, "/"), "/")
	name := path.Base(at)
	name, _, _ = strings.Cut(name, ".v")
	name = strings.TrimPrefix(strings.TrimSuffix(name, "-go"), "go-")
	return strings.ReplaceAll(name, "-", "_")
}
