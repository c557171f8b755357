package flow

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
)

// Variable is the variable that a handle is kept in from the beginning: the parameter,
// or what its opener's result is assigned to. It is nil where there is none.
func Variable(pass *analysis.Pass, t *Track) *types.Var {
	if t.Open == nil {
		v, _ := paramObject(t).(*types.Var)
		return v
	}
	assign := Assignment(pass, t)
	if assign == nil {
		return nil
	}
	for _, e := range assign.Lhs {
		id, ok := e.(*ast.Ident)
		if !ok {
			continue
		}
		if v, ok := pass.TypesInfo.ObjectOf(id).(*types.Var); ok && types.Identical(v.Type(), t.Value.Type()) {
			return v
		}
	}
	return nil
}

func paramObject(t *Track) types.Object {
	if p, ok := t.Value.(interface{ Object() types.Object }); ok {
		return p.Object()
	}
	return nil
}

// Assignment is the statement that takes what the handle's opener gives.
func Assignment(pass *analysis.Pass, t *Track) *ast.AssignStmt {
	for _, n := range Enclosing(pass, t) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Rhs) == 1 && ast.Unparen(n.Rhs[0]).End() >= t.Open.Pos() {
				return n
			}
			return nil
		case *ast.BlockStmt, *ast.FuncLit:
			return nil
		}
	}
	return nil
}

// Enclosing is the syntax around a handle's opener, from the inside out.
func Enclosing(pass *analysis.Pass, t *Track) []ast.Node {
	at := t.Opened()
	for _, f := range pass.Files {
		if f.FileStart <= at && at < f.FileEnd {
			path, _ := astutil.PathEnclosingInterval(f, at, at+1)
			return path
		}
	}
	return nil
}
