package gosyntax

import (
	"fmt"
	"go/ast"
	"go/types"

	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// stores finds handles put into fields, maps, package variables and channels of
// something older, and structs made around a handle that leave the function.
func (f *function) stores() {
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) {
				for i := range n.Lhs {
					f.storeInto(n.Lhs[i], n.Rhs[i], n)
				}
			} else {
				f.storeInto(n.Lhs[0], n.Rhs[0], n) // s.tx, err = db.Begin()
			}
		case *ast.SendStmt:
			if f.session(n.Value) && !f.isFresh(n.Chan, n.Value) {
				f.reportStore(n, n.Value, "is sent on channel "+types.ExprString(n.Chan))
			}
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				f.returned(e)
			}
		}
		return true
	})
}

func (f *function) session(e ast.Expr) bool { return handle.Of(f.info.TypeOf(e)).Session() }

func (f *function) storeInto(lhs, rhs ast.Expr, at ast.Node) {
	value := rhs
	if _, call := ast.Unparen(rhs).(*ast.CallExpr); call && f.session(lhs) {
		value = lhs // the session goes straight from its opener into the field
	}
	if !f.session(value) || f.isNil(rhs) || value == rhs && f.object(value) == nil {
		return // a session behind something else is not ours to judge
	}
	switch target := ast.Unparen(lhs).(type) {
	case *ast.SelectorExpr:
		if f.owns(target.X) || f.isFresh(target.X, value) || f.handsOver(target.X, value) {
			return
		}
		f.reportStore(at, value, fmt.Sprintf("is stored in %s, which was there before it", types.ExprString(lhs)))
	case *ast.IndexExpr:
		if !f.isFresh(target.X, value) {
			f.reportStore(at, value, fmt.Sprintf("is stored in %s, which was there before it", types.ExprString(target.X)))
		}
	case *ast.Ident:
		if obj := f.object(target); obj != nil && f.pkg != nil && obj.Parent() == f.pkg.Scope() {
			f.reportStore(at, value, "is stored in the package variable "+target.Name)
		}
	}
}

// returned finds a struct literal around a handle that was opened and is ended here.
func (f *function) returned(e ast.Expr) {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok {
		e = u.X
	}
	lit, ok := ast.Unparen(e).(*ast.CompositeLit)
	if !ok || f.owns(lit) {
		return
	}
	for _, el := range lit.Elts {
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			el = kv.Value
		}
		obj := f.object(el)
		switch {
		case obj == nil || !f.session(el):
		case f.opened[obj] != nil && f.ended[obj] != nil && f.deferred(f.ended[obj]):
			f.reportStore(lit, el, "leaves the function inside a value, and is ended when the function returns")
		case f.opened[obj] == nil:
			r, _ := rule.Named(rule.Stored)
			f.report(r.Name, rule.Info, lit, f.describe(el)+" is kept in a value that the caller gets; it must not outlive the session", nil)
		}
	}
}

func (f *function) deferred(call *ast.CallExpr) bool {
	found := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		if d, ok := n.(*ast.DeferStmt); ok && d.Pos() <= call.Pos() && call.End() <= d.End() {
			found = true
		}
		return !found
	})
	return found
}

func (f *function) reportStore(at ast.Node, value ast.Expr, how string) {
	obj, severity := f.object(value), rule.Warning
	if _, leaves := at.(*ast.SendStmt); !leaves && obj != nil && f.ended[obj] != nil {
		severity = f.proven(obj) // who does not end it may hand it over
	}
	f.report(rule.Stored, severity, at, f.describe(value)+" "+how, f.flow(obj))
}

func (f *function) isNil(e ast.Expr) bool {
	tv, ok := f.info.Types[ast.Unparen(e)]
	return ok && tv.IsNil()
}

// owns says whether the holder's type ends its handles itself.
func (f *function) owns(holder ast.Expr) bool {
	named, ok := handle.Named(f.info.TypeOf(holder))
	return ok && f.owners[named.Obj()]
}

// isFresh says whether the holder was made in this function after the handle was opened.
func (f *function) isFresh(holder, value ast.Expr) bool {
	root := f.root(holder)
	if root == nil {
		return true // what it hangs on cannot be told
	}
	made, ok := f.fresh[root]
	if !ok {
		return f.local(root)
	}
	opened := f.opened[f.object(value)]
	return opened == nil || made > opened.Pos()
}

// handsOver says whether the holder was made here, though before the handle, and the
// function does not end the handle: the caller gets both.
func (f *function) handsOver(holder, value ast.Expr) bool {
	root, obj := f.root(holder), f.object(value)
	_, made := f.fresh[root]
	return made && obj != nil && f.ended[obj] == nil
}

// root is the variable that an expression like a.b[c].d starts from.
func (f *function) root(e ast.Expr) types.Object {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			return f.info.ObjectOf(x)
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if _, isPkg := f.info.ObjectOf(id).(*types.PkgName); isPkg {
					return f.info.ObjectOf(x.Sel)
				}
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}
