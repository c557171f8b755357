package agentbody

import (
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds outside work in the bodies of agents.
var Analyzer = &analysis.Analyzer{
	Name:     rule.AgentBody,
	Doc:      "find work in the bodies of agents that replay would repeat or change",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	c := &check{pass: pass, res: flow.Of(pass), seen: map[*ssa.Function]bool{}}
	for _, fn := range c.res.Funcs {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				if call, ok := instr.(*ssa.Call); ok && inAgent(&call.Call, "New") && len(call.Call.Args) >= 2 {
					c.body(function(call.Call.Args[1]))
				}
			}
		}
	}
	return nil, nil
}

// inAgent says whether the call is of that function of package agent.
func inAgent(call *ssa.CallCommon, name string) bool {
	full := flow.CalleeName(call)
	return strings.HasSuffix(full, "/reeve/agent."+name)
}

func function(v ssa.Value) *ssa.Function {
	switch v := v.(type) {
	case *ssa.Function:
		return v
	case *ssa.MakeClosure:
		return v.Fn.(*ssa.Function)
	case *ssa.ChangeType:
		return function(v.X)
	}
	return nil
}

type check struct {
	pass *analysis.Pass
	res  *flow.Result
	seen map[*ssa.Function]bool
}

// body looks at a body, and at the functions of this package that get its Context.
func (c *check) body(fn *ssa.Function) {
	if fn == nil || c.seen[fn] || fn.Pkg == nil || fn.Pkg.Pkg != c.pass.Pkg {
		return
	}
	c.seen[fn] = true
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			c.instruction(instr)
		}
	}
}

func (c *check) instruction(instr ssa.Instruction) {
	switch instr := instr.(type) {
	case *ssa.Go:
		c.report(instr, "a goroutine is started in an agent's body: use agent.Go or agent.Parallel")
	case *ssa.Defer:
		if lit := function(instr.Call.Value); lit != nil {
			c.deferred(instr, lit)
		} else if what := c.outside(&instr.Call); what != "" {
			c.report(instr, "a defer in an agent's body does outside work ("+what+"): it runs again with every replay")
		}
	case *ssa.Call:
		if what := c.outside(&instr.Call); what != "" {
			c.report(instr, what+" in an agent's body, outside a step: replay gives another result or repeats it")
			return
		}
		if callee := instr.Call.StaticCallee(); callee != nil && takesContext(callee) {
			c.body(callee)
		}
	}
}

func (c *check) deferred(at *ssa.Defer, lit *ssa.Function) {
	for _, b := range lit.Blocks {
		for _, instr := range b.Instrs {
			if call, ok := instr.(*ssa.Call); ok {
				if what := c.outside(&call.Call); what != "" {
					c.report(at, "a defer in an agent's body does outside work ("+what+"): it runs again with every replay")
					return
				}
			}
		}
	}
}

var ambient = map[string]string{
	"time.Now": "time.Now", "time.Since": "time.Since", "time.Until": "time.Until", "time.Sleep": "time.Sleep",
	"time.After": "time.After", "time.NewTimer": "time.NewTimer", "time.Tick": "time.Tick",
	"crypto/rand.Read": "a random number", "crypto/rand.Text": "a random number", "crypto/rand.Int": "a random number",
	"github.com/google/uuid.New": "a random id", "github.com/google/uuid.NewString": "a random id", "github.com/google/uuid.NewV7": "a random id",
}

// outside is what a call does that a body must not; empty when nothing.
func (c *check) outside(call *ssa.CallCommon) string {
	name := flow.CalleeName(call)
	if what := ambient[name]; what != "" {
		return what
	}
	if strings.HasPrefix(name, "math/rand.") || strings.HasPrefix(name, "math/rand/v2.") {
		return "a random number"
	}
	if callee := call.StaticCallee(); callee != nil && takesContext(callee) {
		return "" // looked at by itself
	}
	if what := c.res.Waits(call); what != "" {
		return "a wait for " + what
	}
	return ""
}

func takesContext(fn *ssa.Function) bool {
	for _, p := range fn.Params {
		if strings.HasSuffix(p.Type().String(), "/reeve/agent.Context") {
			return true
		}
	}
	return false
}

func (c *check) report(at ssa.Instruction, message string) {
	flow.Reportf(c.pass, rule.Warning, flow.Position(at), nil, "%s", message)
}
