package outerhandle

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
)

// fixes puts the transaction in the pool's place, where it has a name there and a
// method of the same name and form.
func (c *check) fixes(pass *analysis.Pass, call *ssa.Call) []analysis.SuggestedFix {
	if c.pool == nil || !flow.SamePlace(flow.Receiver(&call.Call), c.pool) {
		return nil
	}
	expr := receiver(pass, call.Pos())
	name := c.name(pass, call.Pos())
	if expr == nil || name == nil || !fits(pass, name.Type(), flow.MethodName(&call.Call), call.Call.Signature()) {
		return nil
	}
	return []analysis.SuggestedFix{{
		Message:   "Send it through " + name.Name(),
		TextEdits: []analysis.TextEdit{{Pos: expr.Pos(), End: expr.End(), NewText: []byte(name.Name())}},
	}}
}

// receiver is the expression that the method call at a place is made on.
func receiver(pass *analysis.Pass, at token.Pos) ast.Expr {
	for _, n := range enclosing(pass, at) {
		if call, ok := n.(*ast.CallExpr); ok && call.Lparen == at {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				return sel.X
			}
		}
	}
	return nil
}

func enclosing(pass *analysis.Pass, at token.Pos) []ast.Node {
	for _, f := range pass.Files {
		if f.FileStart <= at && at < f.FileEnd {
			path, _ := astutil.PathEnclosingInterval(f, at, at+1)
			return path
		}
	}
	return nil
}

// name is the variable that holds the transaction, where it is seen under its own name.
func (c *check) name(pass *analysis.Pass, at token.Pos) *types.Var {
	v := flow.Variable(pass, c.t)
	if v == nil {
		return nil
	}
	scope := pass.Pkg.Scope().Innermost(at)
	if scope == nil {
		return nil
	}
	if _, seen := scope.LookupParent(v.Name(), at); seen != v {
		return nil
	}
	return v
}

// fits says whether a type has the method, taking and giving the same.
func fits(pass *analysis.Pass, t types.Type, method string, want *types.Signature) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, true, pass.Pkg, method)
	fn, ok := obj.(*types.Func)
	return ok && types.Identical(fn.Signature().Params(), want.Params()) &&
		types.Identical(fn.Signature().Results(), want.Results()) && fn.Signature().Variadic() == want.Variadic()
}
