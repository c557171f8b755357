package flow

import (
	"go/token"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// Pool is the pool that the handle was taken from, if it was taken from one.
func (t *Track) Pool() ssa.Value {
	v := t.From
	if t.Open == nil {
		v = t.ranBy()
	}
	if v == nil || handle.Of(v.Type()) != handle.Pool && !handle.GormDB(v.Type()) {
		return nil
	}
	return v
}

// ranBy is the pool that runs the literal whose parameter the handle is.
func (t *Track) ranBy() ssa.Value {
	call := runner(t.Fn)
	if call == nil || !handle.Runner(calleeName(call)) {
		return nil
	}
	if v := from(call); v != nil {
		return outermost(v)
	}
	for _, a := range call.Args {
		if mi, ok := a.(*ssa.MakeInterface); ok {
			a = mi.X
		}
		if handle.Of(a.Type()) == handle.Pool {
			return a
		}
	}
	return nil
}

// Base is what a chain of gorm's calls begins with: db in db.Model(x).Where(y).
func Base(v ssa.Value) ssa.Value {
	for {
		call, ok := v.(*ssa.Call)
		if !ok || !handle.GormDB(v.Type()) || methodName(&call.Call) == "Begin" {
			return v
		}
		on := from(&call.Call)
		if on == nil || !handle.GormDB(on.Type()) {
			return v
		}
		v = on
	}
}

// Receiver is what a method is called on; nil for a plain function.
func Receiver(call *ssa.CallCommon) ssa.Value { return outermost(from(call)) }

// SamePlace says whether two values are for certain the same: one value, or read from
// the same field of the same thing.
func SamePlace(a, b ssa.Value) bool { return same(a, b, 0) }

func same(a, b ssa.Value, depth int) bool {
	if a == nil || b == nil || depth > deepest {
		return false
	}
	if a == b {
		return true
	}
	if fa, ok := a.(*ssa.FreeVar); ok {
		return same(outerVariable(fa), b, depth+1)
	}
	if fb, ok := b.(*ssa.FreeVar); ok {
		return same(a, outerVariable(fb), depth+1)
	}
	switch a := a.(type) {
	case *ssa.UnOp:
		b, ok := b.(*ssa.UnOp)
		return ok && a.Op == token.MUL && b.Op == token.MUL && same(a.X, b.X, depth+1)
	case *ssa.FieldAddr:
		b, ok := b.(*ssa.FieldAddr)
		return ok && a.Field == b.Field && same(a.X, b.X, depth+1)
	case *ssa.Field:
		b, ok := b.(*ssa.Field)
		return ok && a.Field == b.Field && same(a.X, b.X, depth+1)
	}
	return false
}
