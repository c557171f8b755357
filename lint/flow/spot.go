package flow

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// Spot is a value by where it is read from: fields behind a root.
type Spot struct {
	Root ssa.Value
	Path string
}

// SpotOf finds where a value is read from; ok is false when that is not plain.
func SpotOf(v ssa.Value) (Spot, bool) { return spotOf(v, 0) }

func spotOf(v ssa.Value, depth int) (Spot, bool) {
	if v == nil || depth > deepest {
		return Spot{}, false
	}
	switch v := v.(type) {
	case *ssa.Parameter, *ssa.Global, *ssa.Extract, *ssa.Call:
		return Spot{Root: v}, true
	case *ssa.FreeVar:
		return spotOf(outerVariable(v), depth+1)
	case *ssa.Alloc:
		if s := onlyStore(v); s != nil {
			return spotOf(s.Val, depth+1)
		}
		return Spot{Root: v}, true
	case *ssa.UnOp:
		if v.Op == token.MUL {
			return spotOf(v.X, depth+1)
		}
	case *ssa.FieldAddr:
		return behind(v.X, fieldOf(v), depth)
	case *ssa.Field:
		if st, ok := v.X.Type().Underlying().(*types.Struct); ok {
			return behind(v.X, st.Field(v.Field), depth)
		}
	case *ssa.ChangeType:
		return spotOf(v.X, depth+1)
	case *ssa.MakeInterface:
		return spotOf(v.X, depth+1)
	case *ssa.ChangeInterface:
		return spotOf(v.X, depth+1)
	}
	return Spot{}, false
}

func behind(x ssa.Value, field *types.Var, depth int) (Spot, bool) {
	s, ok := spotOf(x, depth+1)
	if !ok || field == nil {
		return Spot{}, false
	}
	s.Path += "." + field.Name()
	return s, true
}
