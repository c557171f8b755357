package flow

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// track follows a handle through its names until there are no more.
func (p *pkg) track(t *Track) *Track {
	t.p, t.aliases = p, map[ssa.Value]bool{}
	t.name(t.Value, true)
	for len(t.todo) > 0 {
		v := t.todo[0]
		t.todo = t.todo[1:]
		t.follow(v, t.aliases[v])
	}
	t.asked()
	return t
}

// name notes a further name of the handle, or of something that holds it.
func (t *Track) name(v ssa.Value, itself bool) {
	if _, known := t.aliases[v]; !known && v != nil {
		t.aliases[v] = itself
		t.todo = append(t.todo, v)
	}
}

func (t *Track) follow(v ssa.Value, itself bool) {
	refs := v.Referrers()
	if refs == nil {
		return
	}
	for _, instr := range *refs {
		t.instruction(instr, v, itself)
	}
}

func (t *Track) instruction(instr ssa.Instruction, v ssa.Value, itself bool) {
	switch instr := instr.(type) {
	case *ssa.Phi:
		t.Merged = t.Merged || slices.ContainsFunc(instr.Edges, func(e ssa.Value) bool { return e != v && !isNil(e) })
		t.name(instr, itself)
	case *ssa.ChangeType, *ssa.MakeInterface, *ssa.ChangeInterface, *ssa.Convert:
		t.name(instr.(ssa.Value), itself)
	case *ssa.TypeAssert:
		t.name(instr, itself)
	case *ssa.Extract:
		if _, fromAssert := instr.Tuple.(*ssa.TypeAssert); fromAssert && instr.Index == 0 {
			t.name(instr, itself)
		}
	case *ssa.UnOp:
		if _, field := v.(*ssa.FieldAddr); instr.Op == token.MUL && (field || !itself) {
			t.name(instr, itself)
		}
	case *ssa.Store:
		if instr.Val == v {
			t.stored(instr, itself)
		}
	case *ssa.MapUpdate:
		if instr.Value == v || instr.Key == v {
			t.keep(Store{Instr: instr, Base: instr.Map, Field: variable(instr.Map), What: "a map", Held: !itself})
		}
	case *ssa.Send:
		if instr.X == v {
			t.keep(Store{Instr: instr, Base: instr.Chan, What: "a channel", Held: !itself})
		}
	case *ssa.MakeClosure:
		t.bound(instr, v, itself)
	case *ssa.Return:
		t.Returned = append(t.Returned, Event{Instr: instr, On: v})
	case *ssa.FieldAddr, *ssa.Field: // a struct around the handle, such as sqlx.Tx and sqlx.Rows
		if f := variable(instr.(ssa.Value)); itself && f != nil && t.Kind.Alike(handle.Like(f.Type())) {
			t.name(instr.(ssa.Value), true)
		}
	case ssa.CallInstruction:
		t.call(instr, v, itself)
	}
}

// stored is a store into a variable, a field, an element or a package variable.
func (t *Track) stored(s *ssa.Store, itself bool) {
	switch addr := s.Addr.(type) {
	case *ssa.Alloc:
		t.local(addr, itself)
	case *ssa.FreeVar:
		if a, ok := outerVariable(addr).(*ssa.Alloc); ok {
			t.Merged = true
			t.local(a, itself)
		}
	case *ssa.FieldAddr:
		t.keep(Store{Instr: s, Base: addr.X, Field: fieldOf(addr), What: describe(addr.X), Held: !itself})
	case *ssa.IndexAddr:
		t.keep(Store{Instr: s, Base: addr.X, What: "a list", Held: !itself})
	case *ssa.Global:
		t.keep(Store{Instr: s, Base: addr, What: "the package variable " + addr.Name(), Held: !itself})
	default:
		t.Unknown = append(t.Unknown, Event{Instr: s})
	}
}

// local is a variable that lives in memory: its loads are names of the handle, also
// in the literals that catch it.
func (t *Track) local(a ssa.Value, itself bool) {
	t.Merged = t.Merged || stores(a) > 1
	t.loads(a, itself)
}

func (t *Track) loads(addr ssa.Value, itself bool) {
	for _, ref := range *addr.Referrers() {
		switch ref := ref.(type) {
		case *ssa.UnOp:
			if ref.Op == token.MUL {
				t.name(ref, itself)
			}
		case *ssa.MakeClosure:
			fn := ref.Fn.(*ssa.Function)
			for i, b := range ref.Bindings {
				if b == addr {
					t.loads(fn.FreeVars[i], itself)
					t.catch(ref, fn.FreeVars[i])
				}
			}
		}
	}
}

// bound is a handle bound to a literal or a method value.
func (t *Track) bound(mc *ssa.MakeClosure, v ssa.Value, itself bool) {
	fn := mc.Fn.(*ssa.Function)
	for i, b := range mc.Bindings {
		if b != v || i >= len(fn.FreeVars) {
			continue
		}
		if method, ok := cutBound(fn.Name()); ok { // a method value such as tx.Rollback
			t.methodValue(mc, method, itself)
			continue
		}
		t.name(fn.FreeVars[i], itself)
		t.catch(mc, fn.FreeVars[i])
	}
}

func (t *Track) methodValue(mc *ssa.MakeClosure, method string, itself bool) {
	for _, use := range usesThrough(mc) {
		ev := Event{Instr: use, Method: method, On: mc}
		_, ev.Deferred = use.(*ssa.Defer)
		if itself && handle.Ends(t.Kind, method) {
			t.Ends = append(t.Ends, ev)
		} else {
			t.Unknown = append(t.Unknown, ev)
		}
	}
}

// cutBound takes the mark off the name of a bound method.
func cutBound(name string) (method string, bound bool) { return strings.CutSuffix(name, "$bound") }

// catch looks at what is done with a literal that has caught the handle.
func (t *Track) catch(mc *ssa.MakeClosure, _ ssa.Value) {
	for _, use := range usesThrough(mc) {
		switch use := use.(type) {
		case *ssa.Go:
			t.Spawns = append(t.Spawns, Event{Instr: use, On: mc})
		case *ssa.Call:
			if starts(&use.Call) {
				t.Spawns = append(t.Spawns, Event{Instr: use, On: mc})
			}
		case *ssa.Return:
			t.Returned = append(t.Returned, Event{Instr: use, On: mc})
		case *ssa.Store, *ssa.Send, *ssa.MapUpdate:
			t.Unknown = append(t.Unknown, Event{Instr: use, On: mc})
		}
	}
}

// starts says whether a call runs the literal that it is given in a goroutine.
func starts(call *ssa.CallCommon) bool {
	switch calleeName(call) {
	case "golang.org/x/sync/errgroup.Group.Go", "golang.org/x/sync/errgroup.Group.TryGo", "sync.WaitGroup.Go", "time.AfterFunc",
		"github.com/sourcegraph/conc.WaitGroup.Go", "github.com/sourcegraph/conc/pool.Pool.Go", "context.AfterFunc":
		return true
	}
	return false
}

// call is a call, go or defer with the handle as receiver or argument.
func (t *Track) call(instr ssa.CallInstruction, v ssa.Value, itself bool) {
	common := instr.Common()
	_, deferred := instr.(*ssa.Defer)
	ev := Event{Instr: instr, Method: methodName(common), Deferred: deferred, On: v}
	if _, spawned := instr.(*ssa.Go); spawned {
		t.spawned(ev, common, v)
		return
	}
	if c, ok := instr.(*ssa.Call); ok && itself && from(common) == v && derived(c, v.Type()) {
		t.name(c, true)
	}
	if recv := from(common); recv == v && t.ownMethod(common, itself) {
		if itself && handle.Ends(t.Kind, ev.Method) {
			t.Ends = append(t.Ends, ev)
		} else {
			t.Uses = append(t.Uses, ev)
		}
		return
	}
	t.argument(ev, common, v, itself)
}

// derived says whether a method gives its handle back in another form, as WithContext
// does: the result has the handle's type, or is an interface that the handle fits in.
func derived(c *ssa.Call, handleType types.Type) bool {
	res := c.Call.Signature().Results()
	if res.Len() != 1 || handle.Opens(methodName(&c.Call)) && !raw(c, res.At(0).Type()) {
		return false
	}
	t := res.At(0).Type()
	if types.Identical(t, handleType) || raw(c, t) {
		return true
	}
	i, ok := types.Unalias(t).Underlying().(*types.Interface)
	return ok && i.NumMethods() > 1 && types.Implements(handleType, i)
}

// raw says whether a call gives the bare connection under a pooled one.
func raw(c *ssa.Call, t types.Type) bool {
	named, ok := handle.Named(t)
	return ok && handle.Path(named) == "github.com/jackc/pgx.Conn" && methodName(&c.Call) == "Conn" && handle.Of(receiverType(&c.Call)) == handle.Conn
}

// ownMethod says whether the call is of the handle's own method, and not of a
// function of this package whose summary says more.
func (t *Track) ownMethod(call *ssa.CallCommon, itself bool) bool {
	if itself && (handle.Ends(t.Kind, methodName(call)) || t.p.summary(call) == nil) {
		return true
	}
	return call.IsInvoke()
}

func (t *Track) spawned(ev Event, call *ssa.CallCommon, v ssa.Value) {
	if s := t.p.summary(call); s != nil {
		for i, a := range call.Args {
			if a == v && slices.Contains(s.Ends, i) {
				t.Ends = append(t.Ends, ev) // taken over
				return
			}
		}
	}
	t.Spawns = append(t.Spawns, ev)
}

func (t *Track) argument(ev Event, call *ssa.CallCommon, v ssa.Value, itself bool) {
	s := t.p.summary(call)
	fn := call.StaticCallee()
	if fn != nil && fn.Parent() != nil && len(fn.FreeVars)+len(fn.Params) > 0 { // a literal called where it stands
		for i, a := range call.Args {
			if a == v && i < len(fn.Params) {
				t.name(fn.Params[i], itself)
			}
		}
		return
	}
	if c, ok := ev.Instr.(*ssa.Call); ok && calleeName(call) == "context.WithValue" {
		t.carry(c, c)
	}
	if s == nil {
		if b, ok := call.Value.(*ssa.Builtin); ok && b.Name() == "append" {
			if c, ok := ev.Instr.(*ssa.Call); ok {
				t.name(c, false)
			}
			return
		}
		t.elsewhere(ev, call, v)
		return
	}
	for i, a := range call.Args {
		switch {
		case a != v:
		case fn != nil && hides(declared(fn, i)):
			t.Unknown = append(t.Unknown, ev)
		default:
			t.summarized(ev, call, s, i, itself)
		}
	}
}

// declared is the type of a function's ith parameter, the receiver first, as it is
// written: of a generic function, before its type parameters are filled in.
func declared(fn *ssa.Function, i int) types.Type {
	if org := fn.Origin(); org != nil {
		fn = org
	}
	sig := fn.Signature
	if sig.Recv() != nil {
		if i == 0 {
			return sig.Recv().Type()
		}
		i--
	}
	if i >= sig.Params().Len() {
		return types.Typ[types.Invalid]
	}
	return sig.Params().At(i).Type()
}

// hides says whether a parameter of the type can be a handle that the function's
// summary does not speak of: it is generic, any, or an interface that can end it.
func hides(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return true
	}
	i, ok := types.Unalias(t).Underlying().(*types.Interface)
	if !ok || handle.Like(t) != handle.None {
		return false
	}
	for m := range i.Methods() {
		if endsAny(m.Name()) {
			return true
		}
	}
	return i.NumMethods() == 0
}

// elsewhere is a call of which no summary is known. A function of another package that
// does not reach a database cannot end a session, but it can keep what it takes as any:
// a list, a cache, a context. A library's function that takes rows reads and closes
// them; a call of a value or an interface may do anything.
func (t *Track) elsewhere(ev Event, call *ssa.CallCommon, v ssa.Value) {
	fn := call.StaticCallee()
	switch {
	case fn == nil || fn.Pkg == nil && fn.Object() == nil || fn.Object() != nil && fn.Object().Pkg() == t.p.pass.Pkg:
		t.Unknown = append(t.Unknown, ev)
	case t.Kind.Result():
		t.Ends = append(t.Ends, ev)
	case hides(declared(fn, slices.Index(call.Args, v))):
		t.Unknown = append(t.Unknown, ev)
	default:
		t.Passes = append(t.Passes, ev)
	}
}

// summarized applies a function's summary to the handle as its ith argument.
func (t *Track) summarized(ev Event, call *ssa.CallCommon, s *Summary, i int, itself bool) {
	if slices.Contains(s.Hides, i) {
		t.Unknown = append(t.Unknown, ev)
	}
	if itself && slices.Contains(s.Ends, i) {
		t.Ends = append(t.Ends, ev)
		return
	}
	t.Passes = append(t.Passes, ev)
	if itself && slices.Contains(s.Spawns, i) {
		t.Spawns = append(t.Spawns, ev)
	}
	for _, r := range s.Carries {
		if c, ok := ev.Instr.(*ssa.Call); ok && r.Param == i {
			ctx, _ := results(c, r.Result)
			t.carry(ctx, c)
		}
	}
	for _, k := range s.Keeps {
		if k.Param != i {
			continue
		}
		st := Store{Instr: ev.Instr, Held: !itself, Call: &k, What: "what " + ev.Method + " keeps it in"}
		if k.Into >= 0 && k.Into < len(call.Args) {
			st.Base, st.What = call.Args[k.Into], describe(call.Args[k.Into])
		}
		st.Owned = k.Owned
		t.keep(st)
	}
	for _, r := range s.Returns {
		if c, ok := ev.Instr.(*ssa.Call); ok && r.Param == i {
			res, _ := results(c, r.Result)
			t.name(res, itself && !r.Held)
		}
	}
}

// keep notes a store. What holds the handle and was made here is followed on.
func (t *Track) keep(s Store) {
	t.Stores = append(t.Stores, s)
	if s.Base == nil {
		return
	}
	if root := t.p.root(s.Base); root.Made() {
		t.name(root.Value, false)
	}
}

func fieldOf(a *ssa.FieldAddr) *types.Var {
	st, ok := types.Unalias(a.X.Type()).Underlying().(*types.Pointer)
	if !ok {
		return nil
	}
	str, ok := st.Elem().Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	return str.Field(a.Field)
}

func isNil(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.IsNil()
}

func stores(addr ssa.Value) int {
	n := 0
	for _, ref := range *addr.Referrers() {
		if s, ok := ref.(*ssa.Store); ok && s.Addr == addr && !isNil(s.Val) {
			n++
		}
	}
	return n
}
