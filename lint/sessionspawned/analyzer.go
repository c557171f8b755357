package sessionspawned

import (
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/flow"
	"github.com/reeve-run/reeve/lint/handle"
	"github.com/reeve-run/reeve/lint/rule"
)

// Analyzer finds sessions used by goroutines that may outlive or share them.
var Analyzer = &analysis.Analyzer{
	Name:     rule.Spawned,
	Doc:      "find database sessions used by goroutines that may outlive or share them",
	Requires: []*analysis.Analyzer{flow.Analyzer},
	Run:      run,
}

func run(pass *analysis.Pass) (any, error) {
	for _, t := range flow.Of(pass).Tracks {
		if t.Kind.Session() {
			look(pass, t)
		}
	}
	return nil, nil
}

func look(pass *analysis.Pass, t *flow.Track) {
	if takenOver(t) {
		return
	}
	var first ssa.Instruction
	for _, e := range t.Spawns {
		if !flow.Joined(e.Instr) {
			severity := rule.Error
			if t.Open == nil && t.Kind == handle.Conn {
				severity = rule.Warning
			}
			report(pass, t, severity, e.Instr, "is used by a goroutine that nothing here waits for")
			return
		}
		if first != nil && first != e.Instr || flow.Loops(e.Instr) && !flow.Loops(begin(t, e.Instr)) {
			report(pass, t, rule.Warning, e.Instr, "is shared by goroutines that run at the same time")
			return
		}
		first = e.Instr
	}
	for _, e := range t.Carried {
		if t.Kind == handle.Tx && !flow.Joined(e.Instr) {
			report(pass, t, rule.Warning, e.Instr, "is among the values of a context that a goroutine gets, which nothing here waits for")
			return
		}
	}
}

// begin is where the handle comes from, for the question whether each goroutine of
// a loop gets one of its own.
func begin(t *flow.Track, spawn ssa.Instruction) ssa.Instruction {
	if t.Open != nil && t.Fn == spawn.Parent() {
		return t.Open
	}
	return t.Fn.Blocks[0].Instrs[0]
}

func report(pass *analysis.Pass, t *flow.Track, severity rule.Severity, at ssa.Instruction, how string) {
	pos := flow.Position(at)
	flow.Reportf(pass, severity, pos, t.Way(flow.Line(rule.Escaped, pos, "the goroutine starts here")), "%s %s", t.Name(), how)
}

// takenOver says whether only goroutines end the handle.
func takenOver(t *flow.Track) bool {
	spawned := false
	for _, e := range t.Ends {
		if _, ok := e.Instr.(*ssa.Go); ok {
			spawned = true
			continue
		}
		for _, p := range t.Places(e) {
			spawned = spawned || p.Spawned
		}
	}
	return spawned
}
