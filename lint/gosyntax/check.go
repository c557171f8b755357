package gosyntax

import (
	"cmp"
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"

	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// File is a Go file under the name that findings bear.
type File struct {
	Name string
	Src  []byte
}

// Check looks at the files of one folder. It is safe for concurrent use.
func Check(files []File) ([]rule.Finding, []rule.Skipped) {
	fset := token.NewFileSet()
	packages, skipped := parse(fset, files)
	var found []rule.Finding
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		found = append(found, checkPackage(fset, packages[name])...)
	}
	slices.SortFunc(found, rule.Compare)
	return found, skipped
}

// parse groups the files by package: a folder may hold a package, its external
// test and files that are only for go run.
func parse(fset *token.FileSet, files []File) (map[string][]*ast.File, []rule.Skipped) {
	packages := map[string][]*ast.File{}
	var skipped []rule.Skipped
	for _, f := range files {
		tree, err := parser.ParseFile(fset, f.Name, f.Src, parser.SkipObjectResolution|parser.AllErrors)
		if err != nil {
			skipped = append(skipped, rule.Skipped{Path: f.Name, Reason: "does not parse: " + firstError(err)})
			continue
		}
		packages[tree.Name.Name] = append(packages[tree.Name.Name], tree)
	}
	return packages, skipped
}

func firstError(err error) string {
	if list, ok := errors.AsType[scanner.ErrorList](err); ok && len(list) > 0 {
		return list[0].Pos.String() + ": " + list[0].Msg
	}
	return err.Error()
}

func checkPackage(fset *token.FileSet, files []*ast.File) []rule.Finding {
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	conf := types.Config{
		Importer: &outlined{fset: fset, seen: map[string]*types.Package{}},
		Error:    func(error) {}, // what could not be resolved has no type, and no finding rests on it
	}
	pkg, _ := conf.Check(files[0].Name.Name, fset, files, info)
	p := &unit{fset: fset, info: info, pkg: pkg, owners: owners(info, files)}
	for _, file := range files {
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				p.function(fn)
			}
		}
	}
	return p.found
}

// unit is one package while it is looked at.
type unit struct {
	fset   *token.FileSet
	info   *types.Info
	pkg    *types.Package
	owners map[*types.TypeName]bool
	found  []rule.Finding
}

// owners are the types that end a handle they hold: a method of theirs calls an
// ender on a field. Such a type may keep it.
func owners(info *types.Info, files []*ast.File) map[*types.TypeName]bool {
	own := map[*types.TypeName]bool{}
	for _, file := range files {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Body == nil {
				continue
			}
			if named, ok := handle.Named(info.TypeOf(fn.Recv.List[0].Type)); ok && endsField(info, fn.Body) {
				own[named.Obj()] = true
			}
		}
	}
	return own
}

func endsField(info *types.Info, body ast.Node) bool {
	ends := false
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if on, kind, method := methodCall(info, call); handle.Ends(kind, method) {
				_, field := ast.Unparen(on).(*ast.SelectorExpr)
				ends = ends || field
			}
		}
		return !ends
	})
	return ends
}

// methodCall takes x.M() apart: x, its kind, and M.
func methodCall(info *types.Info, call *ast.CallExpr) (ast.Expr, handle.Kind, string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, handle.None, ""
	}
	return sel.X, handle.Of(info.TypeOf(sel.X)), sel.Sel.Name
}

// function looks at one declared function with every literal inside it.
func (p *unit) function(fn *ast.FuncDecl) {
	f := &function{unit: p, decl: fn, opened: map[types.Object]*ast.CallExpr{}, ended: map[types.Object]*ast.CallExpr{}}
	f.collect()
	f.stores()
	f.spawns()
}

func (p *unit) report(name string, severity rule.Severity, at ast.Node, message string, related []rule.Related) {
	r, _ := rule.Named(name)
	pos := p.fset.Position(at.Pos())
	p.found = append(p.found, rule.Finding{
		Rule: name, Severity: severity, File: path.Clean(pos.Filename), Line: pos.Line, Column: pos.Column,
		Message: message + " (by syntax alone: this package could not be type-checked)",
		Why:     r.Why, Instead: r.Instead, Related: related,
	})
}

func (p *unit) related(role rule.Role, at ast.Node, message string) rule.Related {
	pos := p.fset.Position(at.Pos())
	return rule.Related{Role: role, File: path.Clean(pos.Filename), Line: pos.Line, Column: pos.Column, Message: message}
}

func sortedByPos[T ast.Node](nodes []T) []T {
	slices.SortFunc(nodes, func(a, b T) int { return cmp.Compare(a.Pos(), b.Pos()) })
	return nodes
}
