package sessionstored

import (
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds sessions stored in something older.
var Analyzer = &analysis.Analyzer{
	Name:     rule.Stored,
	Doc:      "find database sessions stored in something older than themselves",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	res := flow.Of(pass)
	for _, t := range res.Tracks {
		if t.Kind.Session() {
			c := &check{pass: pass, res: res, t: t}
			c.stores()
			c.returned()
		}
	}
	return nil, nil
}

type check struct {
	pass *analysis.Pass
	res  *flow.Result
	t    *flow.Track
}

// stores reports the first store into something older: one finding a flow.
func (c *check) stores() {
	for _, st := range c.t.Stores {
		if st.Base == nil || c.res.Owned(st) || lent(st) {
			continue
		}
		severity, bad := c.judge(st)
		if !bad {
			continue
		}
		what := c.t.Name()
		if st.Held {
			what = "a value that holds " + what
		}
		flow.Reportf(c.pass, severity, flow.Position(st.Instr), c.t.Way(flow.Line(rule.Escaped, flow.Position(st.Instr), "it leaves its scope here")),
			"%s is stored in %s, which may use it after its end", what, st.What)
		return
	}
}

// judge says how bad a store is.
func (c *check) judge(st flow.Store) (rule.Severity, bool) {
	root := c.res.Root(st.Base)
	if _, channel := st.Instr.(*ssa.Send); channel {
		return rule.Warning, root.Age != flow.Here && c.endedHere()
	}
	switch root.Age {
	case flow.Program:
		return rule.Error, true
	case flow.Passed:
		return c.passed(st, root)
	case flow.Unsure:
		return rule.Warning, c.endedHere() && c.t.Open != nil
	}
	return "", false
}

// passed is a store into a parameter, or into something behind one.
func (c *check) passed(st flow.Store, root flow.Origin) (rule.Severity, bool) {
	declared := c.t.Fn.Parent() == nil
	switch {
	case c.t.Open != nil && c.endedHere(), c.t.Open == nil && !declared:
		return rule.Error, true
	case c.t.Open != nil:
		return rule.Warning, len(c.t.Ends) == 0 && !c.t.Merged
	case st.Call != nil || root.Param == 0 && c.t.Fn.Signature.Recv() != nil && !root.Deep:
		return "", false // the caller is judged
	}
	return rule.Warning, !c.called()
}

// endedHere says whether the handle ends before, or when, its function returns.
func (c *check) endedHere() bool {
	for _, e := range c.t.Ends {
		for _, p := range c.t.Places(e) {
			if !p.Spawned {
				return true
			}
		}
	}
	return false
}

// called says whether the function is called in its own package: then the call is judged.
func (c *check) called() bool {
	for _, fn := range c.res.Funcs {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				if call, ok := instr.(ssa.CallInstruction); ok && call.Common().StaticCallee() == c.t.Fn {
					return true
				}
			}
		}
	}
	return false
}

// lent says whether the function sets the field again afterwards, as one does who
// takes back what was lent.
func lent(st flow.Store) bool {
	store, ok := st.Instr.(*ssa.Store)
	if !ok {
		return false
	}
	addr, ok := store.Addr.(*ssa.FieldAddr)
	if !ok {
		return false
	}
	for _, fn := range append([]*ssa.Function{store.Parent()}, store.Parent().AnonFuncs...) {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				other, ok := instr.(*ssa.Store)
				if !ok || other == store {
					continue
				}
				if to, ok := other.Addr.(*ssa.FieldAddr); ok && to.Field == addr.Field && to.X.Type() == addr.X.Type() {
					return true
				}
			}
		}
	}
	return false
}

// returned finds a session that its function ends for certain and gives away all the same.
func (c *check) returned() {
	if c.t.Open == nil || c.t.Merged {
		return
	}
	var end ssa.Instruction
	for _, e := range c.t.Ends {
		if e.Deferred && e.Instr.Parent() == c.t.Fn {
			end = e.Instr
		}
	}
	if end == nil {
		return
	}
	for _, e := range c.t.Returned {
		if e.Instr.Parent() == c.t.Fn && flow.Dominates(end, e.Instr) && !flow.OnError(e.Instr) {
			flow.Reportf(c.pass, rule.Error, flow.Position(e.Instr), c.t.Way(),
				"%s is given to the caller, but the deferred call has ended it by then", c.t.Name())
			return
		}
	}
}
