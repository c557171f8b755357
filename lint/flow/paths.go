package flow

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// Place is an event seen from the function that the handle came to be in: what
// happens in a literal happens where the literal is run, handed on or deferred.
type Place struct {
	Instr    ssa.Instruction
	Deferred bool
	Spawned  bool
	Nested   bool // the event itself is in a literal
}

// Places lifts an event to the track's own function. It gives nothing when the event
// cannot be seen from there.
func (t *Track) Places(e Event) []Place {
	return t.lift(Place{Instr: e.Instr, Deferred: e.Deferred}, 0)
}

func (t *Track) lift(p Place, depth int) []Place {
	fn := p.Instr.Parent()
	if fn == t.Fn {
		return []Place{p}
	}
	if fn.Parent() == nil || depth > deepest {
		return nil
	}
	var all []Place
	for _, use := range literalUses(fn) {
		up := Place{Instr: use, Nested: true, Spawned: p.Spawned}
		switch use := use.(type) {
		case *ssa.Defer:
			up.Deferred = true
		case *ssa.Go:
			up.Spawned = true
		case *ssa.Call:
			up.Spawned = up.Spawned || starts(&use.Call)
		}
		all = append(all, t.lift(up, depth+1)...)
	}
	return all
}

// Leak finds a return that is reached from the opening without an end on the way.
func (t *Track) Leak() (ssa.Instruction, bool) {
	if leaks := t.Leaks(); len(leaks) > 0 {
		return leaks[0], true
	}
	return nil, false
}

// Leaks are the returns that are reached from the opening without an end on the way.
func (t *Track) Leaks() []*ssa.Return {
	ends := map[ssa.Instruction]bool{}
	for _, e := range t.Ends {
		for _, p := range t.Places(e) {
			ends[p.Instr] = true
		}
	}
	s := &search{t: t, ends: ends, seen: map[*ssa.BasicBlock]bool{}}
	s.from(t.Open.Block(), after(t.Open))
	return s.leaks
}

func after(instr ssa.Instruction) int {
	for i, x := range instr.Block().Instrs {
		if x == instr {
			return i + 1
		}
	}
	return 0
}

type search struct {
	t     *Track
	ends  map[ssa.Instruction]bool
	seen  map[*ssa.BasicBlock]bool
	leaks []*ssa.Return
}

func (s *search) from(b *ssa.BasicBlock, start int) {
	for _, instr := range b.Instrs[start:] {
		if s.ends[instr] {
			return
		}
		if ret, ok := instr.(*ssa.Return); ok {
			s.leaks = append(s.leaks, ret)
		}
	}
	for i, next := range b.Succs {
		if !s.seen[next] && !s.t.impossible(b, i) {
			s.seen[next] = true
			s.from(next, 0)
		}
	}
}

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
	if f, ok := load.X.(*ssa.FieldAddr); ok && t.aliases[f.X] { // tx.Error of gorm
		return true
	}
	last := LastStored(load)
	return last != nil && t.Err != nil && (last == t.Err || t.isError(last))
}

// asked notes that another function decides whether the opener has failed: what its
// answer means is not known.
func (t *Track) asked() {
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

// Between calls see for each instruction that can be reached from the opening before
// the handle is ended. Deferred ends come after everything. See says whether to go on.
func (t *Track) Between(see func(ssa.Instruction) bool) {
	ends := map[ssa.Instruction]bool{}
	for _, e := range t.Ends {
		for _, p := range t.Places(e) {
			if !p.Deferred {
				ends[p.Instr] = true
			}
		}
	}
	seen := map[*ssa.BasicBlock]bool{}
	var walk func(b *ssa.BasicBlock, start int)
	walk = func(b *ssa.BasicBlock, start int) {
		for _, instr := range b.Instrs[start:] {
			if ends[instr] || !see(instr) {
				return
			}
		}
		for i, next := range b.Succs {
			if !seen[next] && !t.impossible(b, i) {
				seen[next] = true
				walk(next, 0)
			}
		}
	}
	if t.Open != nil {
		walk(t.Open.Block(), after(t.Open))
	} else if len(t.Fn.Blocks) > 0 {
		walk(t.Fn.Blocks[0], 0)
	}
}

// Loops says whether the instruction can come again after itself.
func Loops(instr ssa.Instruction) bool { return Reaches(instr, instr) }

// Reaches says whether b can come after a in the same function.
func Reaches(a, b ssa.Instruction) bool {
	if a.Parent() != b.Parent() {
		return false
	}
	if a.Block() == b.Block() && after(a) <= after(b)-1 {
		return true
	}
	seen := map[*ssa.BasicBlock]bool{}
	todo := append([]*ssa.BasicBlock(nil), a.Block().Succs...)
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if next == b.Block() {
			return true
		}
		if !seen[next] {
			seen[next] = true
			todo = append(todo, next.Succs...)
		}
	}
	return false
}

// Dominates says whether a has always happened when b does.
func Dominates(a, b ssa.Instruction) bool {
	if a.Parent() != b.Parent() {
		return false
	}
	if a.Block() == b.Block() {
		return after(a) < after(b)
	}
	return a.Block().Dominates(b.Block())
}

// OnError says whether the instruction only runs where some error is not nil.
func OnError(instr ssa.Instruction) bool {
	for b := instr.Block(); b != nil; b = b.Idom() {
		d := b.Idom()
		if d == nil || len(d.Instrs) == 0 {
			continue
		}
		cond, ok := d.Instrs[len(d.Instrs)-1].(*ssa.If)
		if !ok {
			continue
		}
		c, ok := cond.Cond.(*ssa.BinOp)
		if !ok {
			continue
		}
		v, ok := nilTest(c)
		if ok && v.Type().String() == "error" && len(b.Preds) == 1 && (d.Succs[0] == b) == (c.Op == token.NEQ) {
			return true
		}
	}
	return false
}
