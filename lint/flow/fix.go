package flow

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"

	"github.com/reeve-run/reeve/lint/handle"
)

// Defer is the fix that ends the handle in a deferred call after the check of its
// opener's error. There is none where that check is not plain to see, or in a loop,
// where the call would run too late.
func Defer(pass *analysis.Pass, t *Track, method string) []analysis.SuggestedFix {
	v := Variable(pass, t)
	if v == nil || t.Open == nil || Loops(t.Open) {
		return nil
	}
	check := errorCheck(pass, t)
	args, ok := contextFor(pass, t, method)
	if check == nil || !ok {
		return nil
	}
	call := v.Name() + "." + method + "(" + args + ")"
	return []analysis.SuggestedFix{{
		Message:   "Defer " + call + " after the error check",
		TextEdits: []analysis.TextEdit{{Pos: check.End(), End: check.End(), NewText: []byte("\n" + indent(pass, check) + "defer " + call)}},
	}}
}

// errorCheck is the statement right after the opener's, if it leaves when there is an error.
func errorCheck(pass *analysis.Pass, t *Track) *ast.IfStmt {
	assign := Assignment(pass, t)
	if assign == nil {
		return nil
	}
	list := siblings(pass, t)
	i := slices.Index(list, ast.Stmt(assign))
	if i < 0 || i+1 >= len(list) {
		return nil
	}
	check, ok := list[i+1].(*ast.IfStmt)
	if !ok || check.Init != nil || check.Else != nil || len(check.Body.List) == 0 {
		return nil
	}
	cond, ok := check.Cond.(*ast.BinaryExpr)
	_, leaves := check.Body.List[len(check.Body.List)-1].(*ast.ReturnStmt)
	if !ok || !leaves || cond.Op != token.NEQ || !assigned(pass, assign, cond.X) {
		return nil
	}
	if id, ok := cond.Y.(*ast.Ident); !ok || id.Name != "nil" {
		return nil
	}
	return check
}

// siblings is the list of statements that the opener stands in.
func siblings(pass *analysis.Pass, t *Track) []ast.Stmt {
	for _, n := range Enclosing(pass, t) {
		if b, ok := n.(*ast.BlockStmt); ok {
			return b.List
		}
	}
	return nil
}

// assigned says whether an expression is the error that the statement assigns.
func assigned(pass *analysis.Pass, assign *ast.AssignStmt, e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	if !ok {
		return false
	}
	obj := pass.TypesInfo.ObjectOf(id)
	return obj != nil && obj.Type().String() == "error" && slices.ContainsFunc(assign.Lhs, func(l ast.Expr) bool {
		left, ok := l.(*ast.Ident)
		return ok && pass.TypesInfo.ObjectOf(left) == obj
	})
}

// contextFor is the argument that an ending method wants: none, or the context that
// the opener was given.
func contextFor(pass *analysis.Pass, t *Track, method string) (args string, ok bool) {
	obj, _, _ := types.LookupFieldOrMethod(t.Value.Type(), true, pass.Pkg, method)
	fn, isFunc := obj.(*types.Func)
	if !isFunc || fn.Signature().Params().Len() > 1 {
		return "", false
	}
	if fn.Signature().Params().Len() == 0 {
		return "", true
	}
	for _, n := range Enclosing(pass, t) {
		call, isCall := n.(*ast.CallExpr)
		if !isCall || len(call.Args) == 0 || pass.TypesInfo.TypeOf(call.Args[0]).String() != "context.Context" {
			continue
		}
		var out bytes.Buffer
		err := format.Node(&out, pass.Fset, call.Args[0])
		return out.String(), err == nil
	}
	return "", false
}

// indent is the white space before a statement.
func indent(pass *analysis.Pass, stmt ast.Stmt) string {
	return string(bytes.Repeat([]byte("\t"), max(0, pass.Fset.Position(stmt.Pos()).Column-1)))
}

// Exec is the fix that sends a statement whose result nobody takes by Exec, which
// leaves nothing open.
func Exec(pass *analysis.Pass, t *Track) []analysis.SuggestedFix {
	name := map[string]string{
		"QueryRow": "Exec", "QueryRowContext": "ExecContext", "Query": "Exec", "QueryContext": "ExecContext",
	}[methodName(&t.Open.Call)]
	sel, stmt := selector(pass, t)
	if name == "" || sel == nil || !dropped(stmt, t.Kind) {
		return nil
	}
	obj, _, _ := types.LookupFieldOrMethod(pass.TypesInfo.TypeOf(sel.X), true, pass.Pkg, name)
	fn, ok := obj.(*types.Func)
	if !ok || !types.Identical(fn.Signature().Params(), t.Open.Call.Signature().Params()) || fn.Signature().Results().Len() != 2 {
		return nil
	}
	return []analysis.SuggestedFix{{
		Message:   "Send it with " + name,
		TextEdits: []analysis.TextEdit{{Pos: sel.Sel.Pos(), End: sel.Sel.End(), NewText: []byte(name)}},
	}}
}

// selector is the method that the opener names, and the statement that it stands in.
func selector(pass *analysis.Pass, t *Track) (sel *ast.SelectorExpr, stmt ast.Stmt) {
	for _, n := range Enclosing(pass, t) {
		if call, ok := n.(*ast.CallExpr); ok && sel == nil && call.Lparen == t.Open.Pos() {
			sel, _ = call.Fun.(*ast.SelectorExpr)
		}
		if s, ok := n.(ast.Stmt); ok {
			return sel, s
		}
	}
	return nil, nil
}

// dropped says whether a statement takes nothing of the result but an error.
func dropped(stmt ast.Stmt, k handle.Kind) bool {
	switch s := stmt.(type) {
	case *ast.ExprStmt:
		return true
	case *ast.AssignStmt:
		id, ok := s.Lhs[0].(*ast.Ident)
		return k == handle.Rows && len(s.Lhs) == 2 && ok && id.Name == "_"
	}
	return false
}
