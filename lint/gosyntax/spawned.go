package gosyntax

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// spawns finds handles caught by or handed to a go statement that is not waited
// for in the same function.
func (f *function) spawns() {
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			f.spawn(n, n.Call)
		case *ast.CallExpr:
			if _, _, method := methodCall(f.info, n); method == "Go" && len(n.Args) == 1 {
				f.spawn(n, n)
			}
		}
		return true
	})
}

func (f *function) spawn(at ast.Node, call *ast.CallExpr) {
	if f.joined(at.End()) {
		return
	}
	for _, e := range f.caught(at, call) {
		obj := f.object(e)
		f.report(rule.Spawned, f.proven(obj), at, f.describe(e)+" is used by a goroutine that nothing here waits for", f.flow(obj))
		return // one finding a go statement
	}
}

// caught are the sessions that the goroutine takes from outside, unless it ends them itself.
func (f *function) caught(at ast.Node, call *ast.CallExpr) []ast.Expr {
	var sessions []ast.Expr
	for _, arg := range call.Args {
		if f.session(arg) {
			sessions = append(sessions, arg)
		}
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok && f.session(sel.X) {
		sessions = append(sessions, sel.X)
	}
	for _, lit := range literals(call) {
		sessions = append(sessions, f.captured(at, lit)...)
	}
	return sortedByPos(sessions)
}

// literals are the function literals that the call runs.
func literals(call *ast.CallExpr) []*ast.FuncLit {
	var lits []*ast.FuncLit
	for _, e := range append([]ast.Expr{call.Fun}, call.Args...) {
		if lit, ok := ast.Unparen(e).(*ast.FuncLit); ok {
			lits = append(lits, lit)
		}
	}
	return lits
}

func (f *function) captured(at ast.Node, lit *ast.FuncLit) []ast.Expr {
	var sessions []ast.Expr
	seen := map[types.Object]bool{}
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok || !f.session(e) {
			return true
		}
		root := f.root(e)
		if root == nil || seen[root] || root.Pos() > at.Pos() && root.Pos() < at.End() {
			return true
		}
		seen[root] = true
		if !f.endsIn(lit, e) {
			sessions = append(sessions, e)
		}
		return true
	})
	return sessions
}

// endsIn says whether the literal ends the session: then it has taken it over.
func (f *function) endsIn(lit *ast.FuncLit, session ast.Expr) bool {
	ends := false
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			on, kind, method := methodCall(f.info, call)
			ends = ends || handle.Ends(kind, method) && types.ExprString(on) == types.ExprString(session)
		}
		return !ends
	})
	return ends
}

// joined says whether the function waits for something after pos: a Wait, a
// receive, a select or a range over a channel. What it waits for is not asked;
// where it could be the goroutine, the rule is silent.
func (f *function) joined(pos token.Pos) bool {
	waits := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		if n == nil || n.End() <= pos {
			return false
		}
		switch n := n.(type) {
		case *ast.UnaryExpr:
			waits = waits || n.Op == token.ARROW && n.Pos() > pos
		case *ast.SelectStmt:
			waits = waits || n.Pos() > pos
		case *ast.CallExpr:
			_, _, method := methodCall(f.info, n)
			waits = waits || method == "Wait" && n.Pos() > pos
		case *ast.RangeStmt:
			_, channel := types.Unalias(orInvalid(f.info.TypeOf(n.X))).Underlying().(*types.Chan)
			waits = waits || channel && n.Pos() > pos
		}
		return true
	})
	return waits
}

func orInvalid(t types.Type) types.Type {
	if t == nil {
		return types.Typ[types.Invalid]
	}
	return t
}
