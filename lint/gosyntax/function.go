package gosyntax

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// function is one declared function while it is looked at.
type function struct {
	*unit
	decl   *ast.FuncDecl
	opened map[types.Object]*ast.CallExpr // local handles, and the call that opened each
	ended  map[types.Object]*ast.CallExpr // the first call that ends each
	fresh  map[types.Object]token.Pos     // locals made here by a literal, new or a constructor
}

// collect notes where the function opens and ends handles, and what it makes itself.
func (f *function) collect() {
	f.fresh = map[types.Object]token.Pos{}
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			f.collectAssign(n)
		case *ast.CallExpr:
			on, kind, method := methodCall(f.info, n)
			if obj := f.object(on); obj != nil && handle.Ends(kind, method) && f.ended[obj] == nil {
				f.ended[obj] = n
			}
		}
		return true
	})
}

func (f *function) collectAssign(n *ast.AssignStmt) {
	for i, lhs := range n.Lhs {
		obj := f.object(lhs)
		if obj == nil || !f.local(obj) {
			continue
		}
		rhs := n.Rhs[min(i, len(n.Rhs)-1)]
		call, isCall := ast.Unparen(rhs).(*ast.CallExpr)
		if isCall && handle.Of(obj.Type()).Session() {
			f.opened[obj] = call
		}
		if n.Tok == token.DEFINE && makes(rhs) {
			f.fresh[obj] = n.Pos()
		}
	}
}

// makes says whether an expression makes a new value: a literal, new, or a call of something named New.
func makes(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.UnaryExpr:
		return e.Op == token.AND && makes(e.X)
	case *ast.CallExpr:
		name := ""
		switch fun := ast.Unparen(e.Fun).(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		}
		return len(name) >= 3 && (name[:3] == "New" || name[:3] == "new")
	}
	return false
}

// object is the variable an expression names, or nil when it is no plain name.
func (f *function) object(e ast.Expr) types.Object {
	if e == nil {
		return nil
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	return f.info.ObjectOf(id)
}

// local says whether the variable is declared in the body; a parameter is not.
func (f *function) local(obj types.Object) bool {
	return f.decl.Body.Pos() <= obj.Pos() && obj.Pos() < f.decl.Body.End()
}

// flow is the way of a handle as far as this function shows it.
func (f *function) flow(obj types.Object) []rule.Related {
	var way []rule.Related
	if obj == nil {
		return nil
	}
	if call := f.opened[obj]; call != nil {
		way = append(way, f.related(rule.Opened, call, "opened here"))
	}
	if call := f.ended[obj]; call != nil {
		way = append(way, f.related(rule.Ended, call, "ended here"))
	}
	return way
}

// proven says whether the handle was opened in this function: then it is ours, and short-lived.
func (f *function) proven(obj types.Object) rule.Severity {
	if obj != nil && f.opened[obj] != nil {
		return rule.Error
	}
	return rule.Warning
}

func (f *function) describe(e ast.Expr) string {
	return fmt.Sprintf("%s (%s)", types.ExprString(e), handle.Show(f.info.TypeOf(e)))
}
