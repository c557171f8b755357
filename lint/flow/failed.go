package flow

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// impossible says whether the handle cannot be open on a branch: its opener has
// failed, it is nil, or its rows have been read to the end.
func (t *Track) impossible(b *ssa.BasicBlock, succ int) bool {
	branch, ok := b.Instrs[len(b.Instrs)-1].(*ssa.If)
	if !ok {
		return false
	}
	cond, holds := branch.Cond, succ == 0
	for not, ok := cond.(*ssa.UnOp); ok && not.Op == token.NOT; not, ok = cond.(*ssa.UnOp) {
		cond, holds = not.X, !holds
	}
	switch c := cond.(type) {
	case *ssa.BinOp:
		return t.failed(c, holds)
	case *ssa.Call:
		if t.Kind == handle.Rows && methodName(&c.Call) == "Next" && t.aliases[from(&c.Call)] {
			return !holds
		}
		return holds && names(&c.Call) && t.isError(c.Call.Args[0])
	}
	return false
}

// failed says whether a comparison that holds, or does not, rules the open handle out.
func (t *Track) failed(c *ssa.BinOp, holds bool) bool {
	if c.Op != token.EQL && c.Op != token.NEQ {
		return false
	}
	equal := holds == (c.Op == token.EQL)
	other, isNilTest := nilTest(c)
	switch {
	case !isNilTest: // err == sql.ErrNoRows
		return equal && (t.isError(c.X) || t.isError(c.Y))
	case t.isError(other) || t.closesItself(other):
		return !equal
	}
	return t.aliases[other] && equal
}

// names says whether the call asks which error its first argument is.
func names(call *ssa.CallCommon) bool {
	name := calleeName(call)
	return name == "errors.Is" || name == "errors.As"
}

// nilTest takes x == nil and x != nil apart.
func nilTest(c *ssa.BinOp) (ssa.Value, bool) {
	if c.Op != token.EQL && c.Op != token.NEQ {
		return nil, false
	}
	if isNil(c.Y) {
		return c.X, true
	}
	return c.Y, isNil(c.X)
}

// isError says whether v is the error of the handle's opener, as it is or wrapped.
func (t *Track) isError(v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.UnOp:
		return t.loadsError(v)
	case *ssa.Call:
		return t.Err != nil && v.Type().String() == "error" && slices.ContainsFunc(v.Call.Args, t.isError)
	}
	return v == t.Err && v != nil
}

func (t *Track) loadsError(load *ssa.UnOp) bool {
	if load.Op != token.MUL {
		return false
	}
	if f, ok := load.X.(*ssa.FieldAddr); ok && t.aliases[f.X] { // tx.Error of gorm, not that of tx.Create(…)
		call, chained := f.X.(*ssa.Call)
		return !chained || call == t.Open
	}
	last := reaching(load)
	return last != nil && t.Err != nil && (last == t.Err || t.isError(last))
}

// reaching is what a variable was last set to before a load, in the load's block or in
// one that every way to it goes through.
func reaching(load *ssa.UnOp) ssa.Value {
	if last := LastStored(load); last != nil {
		return last
	}
	for b := load.Block().Idom(); b != nil; b = b.Idom() {
		for _, instr := range slices.Backward(b.Instrs) {
			if s, ok := instr.(*ssa.Store); ok && SamePlace(s.Addr, load.X) {
				return s.Val
			}
		}
	}
	return nil
}

// asked notes that another function decides whether the opener has failed, or whether
// there is another row: what its answer means is not known.
func (t *Track) asked() {
	for _, use := range t.Uses {
		next, ok := use.Instr.(*ssa.Call)
		if ok && use.Method == "Next" && next.Referrers() != nil && slices.ContainsFunc(*next.Referrers(), isCall) {
			t.Unknown = append(t.Unknown, use)
		}
	}
	if t.Err == nil || t.Err.Referrers() == nil {
		return
	}
	for _, ref := range *t.Err.Referrers() {
		call, ok := ref.(*ssa.Call)
		if ok && types.Identical(call.Type(), types.Typ[types.Bool]) && !names(&call.Call) {
			t.Unknown = append(t.Unknown, Event{Instr: call, On: t.Err})
		}
	}
}

func isCall(instr ssa.Instruction) bool {
	_, ok := instr.(ssa.CallInstruction)
	return ok
}

// closesItself says whether v is an error with which the rows have been closed: that
// of their Err, and with pgx also that of a read.
func (t *Track) closesItself(v ssa.Value) bool {
	if load, ok := v.(*ssa.UnOp); ok && load.Op == token.MUL {
		v = LastStored(load)
	}
	if ex, ok := v.(*ssa.Extract); ok {
		v = ex.Tuple
	}
	call, ok := v.(*ssa.Call)
	if !ok || t.Kind != handle.Rows || !t.aliases[from(&call.Call)] {
		return false
	}
	name := methodName(&call.Call)
	return name == "Err" || handle.Pgx(t.Value.Type()) && (name == "Scan" || name == "Values")
}

// LastStored is what a variable was last set to before a load, within its block.
func LastStored(load *ssa.UnOp) ssa.Value {
	var last ssa.Value
	for _, instr := range load.Block().Instrs {
		if instr == ssa.Instruction(load) {
			break
		}
		if s, ok := instr.(*ssa.Store); ok && SamePlace(s.Addr, load.X) {
			last = s.Val
		}
	}
	return last
}
