package flow

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// Age is how old a holder is, beside the function that looks at it.
type Age int

// The ages of holders.
const (
	Unsure  Age = iota
	Here        // made in this function
	Passed      // a parameter, or something behind one
	Program     // a package variable, or something behind one
	Caught      // a variable of the function around
)

// Origin is what a holder hangs on.
type Origin struct {
	Age   Age
	Value ssa.Value
	Param int // for Passed
	Deep  bool
}

// Made says whether the holder was made in the function itself.
func (o Origin) Made() bool { return o.Age == Here }

// Root finds what a value like a.b.c hangs on.
func Root(v ssa.Value) Origin { return root(v, 0) }

// root is Root, and also knows what was made by a function called here.
func (p *pkg) root(v ssa.Value) Origin {
	o := Root(v)
	if o.Age == Unsure && p.fresh(o.Value) {
		o.Age = Here
	}
	return o
}

// fresh says whether a value is a result that the function called has made: its
// summary says so, or, without one, its name.
func (p *pkg) fresh(v ssa.Value) bool {
	n := 0
	if ex, ok := v.(*ssa.Extract); ok {
		v, n = ex.Tuple, ex.Index
	}
	call, ok := v.(*ssa.Call)
	if !ok {
		return false
	}
	if s := p.summary(&call.Call); s != nil {
		return slices.Contains(s.Fresh, n)
	}
	name := methodName(&call.Call)
	return strings.HasPrefix(name, "New") || name == "Clone"
}

// Root is the package's Root, and also knows what was made by a function called here.
func (r *Result) Root(v ssa.Value) Origin { return r.pkg.root(v) }

const deepest = 20

func root(v ssa.Value, depth int) Origin {
	if depth > deepest {
		return Origin{Value: v}
	}
	next := func(x ssa.Value) Origin { o := root(x, depth+1); return o }
	deeper := func(x ssa.Value) Origin { o := root(x, depth+1); o.Deep = true; return o }
	switch v := v.(type) {
	case *ssa.Parameter:
		for i, p := range v.Parent().Params {
			if p == v {
				return Origin{Age: Passed, Value: v, Param: i}
			}
		}
	case *ssa.Global:
		return Origin{Age: Program, Value: v}
	case *ssa.FreeVar:
		return caught(v, depth)
	case *ssa.Alloc:
		return allocated(v, depth)
	case *ssa.MakeMap, *ssa.MakeChan, *ssa.MakeSlice:
		return Origin{Age: Here, Value: v}
	case *ssa.UnOp:
		if v.Op == token.MUL {
			return loaded(v, depth)
		}
	case *ssa.FieldAddr:
		return deeper(v.X)
	case *ssa.Field:
		return deeper(v.X)
	case *ssa.IndexAddr:
		return deeper(v.X)
	case *ssa.Lookup:
		return deeper(v.X)
	case *ssa.ChangeType:
		return next(v.X)
	case *ssa.MakeInterface:
		return next(v.X)
	case *ssa.ChangeInterface:
		return next(v.X)
	case *ssa.TypeAssert:
		return next(v.X)
	case *ssa.Slice:
		return next(v.X)
	}
	return Origin{Value: v}
}

// allocated is a variable or a composite literal. A pointer variable hangs on what it points to.
func allocated(a *ssa.Alloc, depth int) Origin {
	if _, pointer := a.Type().(*types.Pointer).Elem().Underlying().(*types.Pointer); pointer {
		if s := onlyStore(a); s != nil {
			return root(s.Val, depth+1)
		}
		return Origin{Value: a}
	}
	return Origin{Age: Here, Value: a}
}

// loaded is *addr.
func loaded(u *ssa.UnOp, depth int) Origin {
	switch addr := u.X.(type) {
	case *ssa.Alloc:
		if s := onlyStore(addr); s != nil {
			return root(s.Val, depth+1)
		}
		return root(addr, depth+1)
	case *ssa.Global:
		return Origin{Age: Program, Value: addr}
	default:
		return root(addr, depth+1)
	}
}

func onlyStore(a *ssa.Alloc) *ssa.Store {
	var only *ssa.Store
	for _, ref := range *a.Referrers() {
		if s, ok := ref.(*ssa.Store); ok && s.Addr == a {
			if only != nil {
				return nil
			}
			only = s
		}
	}
	return only
}

// caught is a variable of the function around a literal.
func caught(f *ssa.FreeVar, depth int) Origin {
	outer := outerVariable(f)
	if outer == nil {
		return Origin{Value: f}
	}
	o := root(outer, depth+1)
	if o.Age == Here {
		o.Age = Caught
	}
	return o
}

// outerVariable is what a free variable is bound to in the function around.
func outerVariable(f *ssa.FreeVar) ssa.Value {
	fn := f.Parent()
	if fn.Parent() == nil {
		return nil
	}
	index := -1
	for i, fv := range fn.FreeVars {
		if fv == f {
			index = i
		}
	}
	for _, b := range fn.Parent().Blocks {
		for _, instr := range b.Instrs {
			if mc, ok := instr.(*ssa.MakeClosure); ok && mc.Fn == fn && index >= 0 {
				return mc.Bindings[index]
			}
		}
	}
	return nil
}

// describe names a holder as people would.
func describe(v ssa.Value) string {
	t := v.Type()
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	name := types.TypeString(t, func(p *types.Package) string { return p.Name() })
	switch r := Root(v); r.Age {
	case Passed:
		if p, ok := r.Value.(*ssa.Parameter); ok && !r.Deep {
			return p.Name() + " (" + name + ")"
		}
	case Program:
		return "the package variable " + r.Value.Name()
	}
	return name
}
