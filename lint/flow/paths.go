package flow

import (
	"go/token"

	"golang.org/x/tools/go/ssa"
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
func (t *Track) Leaks() []*ssa.Return { return t.LeaksWithout(nil) }

// LeaksWithout are Leaks as if that instruction ended nothing.
func (t *Track) LeaksWithout(instr ssa.Instruction) []*ssa.Return {
	ends := map[ssa.Instruction]bool{}
	for _, e := range t.Ends {
		for _, p := range t.Places(e) {
			ends[p.Instr] = p.Instr != instr
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
			if fn := body(instr); fn != nil && len(fn.Blocks) > 0 {
				walk(fn.Blocks[0], 0)
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

// Dominates says whether a has always happened when b does, which may be in the body of
// a loop over an iterator.
func Dominates(a, b ssa.Instruction) bool {
	if a.Parent() != b.Parent() {
		around := loop(b.Parent())
		return around != nil && Dominates(a, around)
	}
	if a.Block() == b.Block() {
		return after(a) < after(b)
	}
	return a.Block().Dominates(b.Block())
}

// OnError says whether the instruction only runs where some error is not nil.
func OnError(instr ssa.Instruction) bool { return len(ErrorsAt(instr)) > 0 }

// ErrorsAt are the errors that are not nil where the instruction runs, the nearest first.
func ErrorsAt(instr ssa.Instruction) []ssa.Value {
	var all []ssa.Value
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
			all = append(all, v)
		}
	}
	return all
}
