package outerhandle

import (
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds the pool used where its own transaction is in scope.
var Analyzer = &analysis.Analyzer{
	Name:     rule.OuterHandle,
	Doc:      "find the pool used where its own transaction is in scope",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	res := flow.Of(pass)
	for _, t := range res.Tracks {
		if t.Kind == handle.Tx && !t.Merged && (t.Open != nil || t.Pool() != nil) {
			look(pass, &check{res: res, t: t, pool: t.Pool()})
		}
	}
	return nil, nil
}

// check is one transaction while it is open.
type check struct {
	res  *flow.Result
	t    *flow.Track
	pool ssa.Value
}

// look reports the first statement that goes past the transaction.
func look(pass *analysis.Pass, c *check) {
	found := false
	c.t.Between(func(instr ssa.Instruction) bool {
		call, ok := instr.(*ssa.Call)
		if !ok || found || call == c.t.Open || flow.OnError(call) {
			return !found
		}
		message, used, sure := c.past(call)
		if message == "" {
			return true
		}
		found = true
		severity := rule.Error
		if !sure || strings.HasPrefix(flow.MethodName(&call.Call), "Prepare") { // Tx.Stmt may take it into the transaction
			severity = rule.Warning
		}
		flow.Report(pass, severity, analysis.Diagnostic{
			Pos: call.Pos(), Message: message, Related: c.t.Way(flow.Line(rule.Used, call.Pos(), used)),
			SuggestedFixes: c.fixes(pass, call),
		})
		return false
	})
}

// past says how a call goes past the transaction, and whether it does so on every way;
// empty when it does not.
func (c *check) past(call *ssa.Call) (message, used string, sure bool) {
	if c.prepared(call) {
		return "this statement was prepared on the pool, and takes a connection of its own outside " + c.t.Name() + " that is in scope", "the pool's statement is used here", true
	}
	if c.unbound(call) {
		return "this call goes past " + c.t.Name() + ", which a copy of its receiver was bound to", "what is not bound to the transaction is used here", true
	}
	if c.pool == nil {
		return "", "", false
	}
	on := flow.Receiver(&call.Call)
	if on != nil && handle.Sends(on.Type(), flow.MethodName(&call.Call)) && flow.SamePlace(flow.Base(on), flow.Base(c.pool)) {
		return "this statement goes through the pool, outside " + c.t.Name() + " that is in scope", "the pool is used here", true
	}
	for _, from := range c.res.From(&call.Call) {
		if from.Layers && !from.Session && from.Pool && from.Is(c.pool) {
			return "what is called here sends a statement through the pool, outside " + c.t.Name() + " that is in scope", "the pool is used in what is called here", from.Sure
		}
	}
	return "", "", false
}

// prepared says whether a call runs a statement that was prepared on the transaction's pool.
func (c *check) prepared(call *ssa.Call) bool {
	on := flow.Receiver(&call.Call)
	if on == nil || c.pool == nil || handle.Of(on.Type()) != handle.Stmt || !handle.Queries(flow.MethodName(&call.Call)) {
		return false
	}
	for _, t := range c.res.Tracks {
		if t.Open != nil && t.Is(on) && !t.Merged && flow.Prepares(&t.Open.Call) {
			return flow.SamePlace(flow.Receiver(&t.Open.Call), c.pool)
		}
	}
	return false
}

// unbound says whether a call sends a statement through what the function has made a
// copy of that is bound to the transaction, as q does after q.WithTx(tx).
func (c *check) unbound(call *ssa.Call) bool {
	on := flow.Receiver(&call.Call)
	if on == nil || c.t.Holds(on) || !c.sends(call, on) {
		return false
	}
	for _, p := range c.t.Passes {
		bind, ok := p.Instr.(*ssa.Call)
		if ok && bind != call && flow.Dominates(bind, call) && flow.Binds(bind) && flow.SamePlace(flow.Receiver(&bind.Call), on) {
			return true
		}
	}
	return false
}

// sends says whether the call sends a statement through what its receiver holds.
func (c *check) sends(call *ssa.Call, on ssa.Value) bool {
	spot, ok := flow.SpotOf(on)
	if !ok {
		return false
	}
	for _, from := range c.res.From(&call.Call) {
		if from.Layers && from.Spot.Root == spot.Root && len(from.Spot.Path) > len(spot.Path) {
			return true
		}
	}
	return false
}
