package goload

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"

	"github.com/reeve-run/reeve/lint/handle"
)

// ErrNoGo says that there is no go command on this machine to load Go with.
var ErrNoGo = errors.New("the go command is not installed or not in PATH: install it to have Go looked at in full")

// Options says what to load.
type Options struct {
	Dir      string   // a folder of the module
	Patterns []string // as the go command understands them
	Offline  bool     // do not ask the network for missing modules or toolchains
}

// Loaded is the packages that match the patterns.
type Loaded struct {
	Packages []*packages.Package // type-checked, with what they import from source
	Idle     []string            // files of packages that reach no database, and so need no look
	Broken   []Broken
}

// Broken is a package that does not type-check.
type Broken struct {
	Path   string
	Files  []string // absolute
	Reason string
}

const need = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
	packages.NeedDeps | packages.NeedExportFile | packages.NeedModule | packages.NeedTypesSizes

// Load loads the packages. It is safe for concurrent use.
func Load(ctx context.Context, o Options) (Loaded, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return Loaded{}, ErrNoGo
	}
	env := os.Environ()
	if o.Offline {
		env = append(env, "GOPROXY=off", "GOTOOLCHAIN=local")
	}
	roots, err := packages.Load(&packages.Config{Context: ctx, Mode: need, Dir: o.Dir, Env: env}, o.Patterns...)
	if err != nil {
		return Loaded{}, fmt.Errorf("list packages: %w", err)
	}
	l := &loader{
		fset: token.NewFileSet(), exports: map[string]*types.Package{"unsafe": types.Unsafe},
		reach: map[*packages.Package]bool{}, source: map[*packages.Package]bool{},
		visited: map[*packages.Package]bool{}, ctx: ctx,
	}
	return l.load(roots)
}

// loader is one call of Load.
type loader struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the call of Load
	fset    *token.FileSet
	exports map[string]*types.Package
	reach   map[*packages.Package]bool // reaches a database
	source  map[*packages.Package]bool // to be checked from source
	visited map[*packages.Package]bool
}

func (l *loader) load(roots []*packages.Package) (Loaded, error) {
	var out Loaded
	l.choose(roots)
	for _, p := range roots {
		if l.ctx.Err() != nil {
			return Loaded{}, context.Cause(l.ctx)
		}
		if len(p.CompiledGoFiles) == 0 && len(p.GoFiles) == 0 {
			continue
		}
		if reason := listError(p); reason != "" {
			out.Broken = append(out.Broken, Broken{Path: p.PkgPath, Files: p.GoFiles, Reason: reason})
			continue
		}
		if !l.reaches(p) {
			out.Idle = append(out.Idle, p.GoFiles...)
			continue
		}
		if l.check(p); p.IllTyped {
			out.Broken = append(out.Broken, Broken{Path: p.PkgPath, Files: p.GoFiles, Reason: p.TypeErrors[0].Error()})
			continue
		}
		out.Packages = append(out.Packages, p)
	}
	return out, nil
}

// listError is why the go command could not make sense of a package.
func listError(p *packages.Package) string {
	for _, e := range p.Errors {
		if e.Kind == packages.ListError || e.Kind == packages.ParseError {
			return strings.TrimSpace(e.Msg)
		}
	}
	return ""
}

// reaches says whether the package imports, at any depth, a library that has handles,
// or the agents' API. The libraries themselves are known by heart.
func (l *loader) reaches(p *packages.Package) bool {
	if r, ok := l.reach[p]; ok {
		return r
	}
	l.reach[p] = false // import circles do not compile, but must not hang us
	if handle.Library(p.PkgPath) {
		return false
	}
	for _, i := range p.Imports {
		if handle.Library(i.PkgPath) || strings.HasSuffix(i.PkgPath, "/reeve/agent") || l.reaches(i) {
			l.reach[p] = true
		}
	}
	return l.reach[p]
}

// choose settles what is checked from source: the main module's packages that reach
// a database, and what these import by name from other modules. That is where
// wrappers are; what lies deeper, and drivers that are imported for their effect
// only, is read from export data.
func (l *loader) choose(roots []*packages.Package) {
	packages.Visit(roots, nil, func(p *packages.Package) {
		if p.Module == nil || !p.Module.Main || !l.reaches(p) {
			return
		}
		l.source[p] = true
		l.parse(p)
		for _, f := range p.Syntax {
			for _, spec := range f.Imports {
				if path, err := strconv.Unquote(spec.Path.Value); err == nil && (spec.Name == nil || spec.Name.Name != "_") {
					if i := p.Imports[path]; i != nil && l.reaches(i) {
						l.source[i] = true
					}
				}
			}
		}
	})
}

// check type-checks a package from source, after all that it imports: export data
// that speaks of a package from source must find it there.
func (l *loader) check(p *packages.Package) {
	if l.visited[p] {
		return
	}
	l.visited[p] = true
	kept := map[string]*packages.Package{}
	for _, path := range slices.Sorted(maps.Keys(p.Imports)) {
		i := p.Imports[path]
		if l.reaches(i) {
			l.check(i)
		}
		if l.source[i] {
			kept[path] = i
		}
	}
	if !l.source[p] {
		return
	}
	l.typeCheck(p, kept)
	if p.IllTyped && (p.Module == nil || !p.Module.Main) {
		delete(l.source, p) // another module's: its export data will do
		return
	}
	if p.Types != nil {
		l.exports[p.PkgPath] = p.Types
	}
}

func (l *loader) typeCheck(p *packages.Package, kept map[string]*packages.Package) {
	imports := p.Imports
	p.Imports, p.Fset = kept, l.fset
	if p.Syntax == nil {
		l.parse(p)
	}
	p.TypesInfo = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{},
		Scopes: map[ast.Node]*types.Scope{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		FileVersions: map[*ast.File]string{},
	}
	conf := types.Config{
		Importer: importing(func(path string) (*types.Package, error) { return l.imported(imports, path) }),
		Sizes:    p.TypesSizes,
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok {
				p.TypeErrors = append(p.TypeErrors, e)
			}
		},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		conf.GoVersion = "go" + p.Module.GoVersion
	}
	p.Types, _ = conf.Check(p.PkgPath, l.fset, p.Syntax, p.TypesInfo)
	p.IllTyped = len(p.TypeErrors) > 0
}

type importing func(string) (*types.Package, error)

func (f importing) Import(path string) (*types.Package, error) { return f(path) }

func (l *loader) parse(p *packages.Package) {
	files := make([]*ast.File, len(p.CompiledGoFiles))
	errs := make([]error, len(p.CompiledGoFiles))
	var group errgroup.Group
	for i, name := range p.CompiledGoFiles {
		group.Go(func() error {
			files[i], errs[i] = parser.ParseFile(l.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			return nil
		})
	}
	_ = group.Wait() // each error is kept beside its file
	for _, err := range errs {
		if err != nil {
			p.TypeErrors = append(p.TypeErrors, types.Error{Fset: l.fset, Msg: err.Error()})
		}
	}
	p.Syntax = slices.DeleteFunc(files, func(f *ast.File) bool { return f == nil })
}

// imported is a package that another one imports: from source where that was needed,
// else from export data.
func (l *loader) imported(imports map[string]*packages.Package, path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	p := imports[path]
	if p == nil {
		return nil, fmt.Errorf("%s is not among the imports that the go command found", path)
	}
	if l.source[p] {
		return p.Types, nil
	}
	if t := l.exports[p.PkgPath]; t != nil && t.Complete() {
		return t, nil
	}
	if p.ExportFile == "" {
		if reason := listError(p); reason != "" {
			return nil, errors.New(reason)
		}
		return nil, fmt.Errorf("%s could not be compiled", path)
	}
	f, err := os.Open(p.ExportFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gcexportdata.NewReader(f) //nolint:staticcheck // the go command still gives archives
	if err != nil {
		return nil, fmt.Errorf("read export data of %s: %w", path, err)
	}
	return gcexportdata.Read(r, l.fset, l.exports, p.PkgPath)
}
