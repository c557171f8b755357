package flow

import (
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// Cancelled says whether the context that the handle was opened with is cancelled when
// the function returns, by a deferred call: database/sql then ends the handle, pgx does not.
func (t *Track) Cancelled() bool {
	if t.Open == nil || handle.Pgx(t.Value.Type()) {
		return false
	}
	for _, arg := range t.Open.Call.Args {
		if ex := made(arg); ex != nil && cancels(t.Fn, ex.Tuple) {
			return true
		}
	}
	return false
}

// made is the result of context.WithCancel and its like that a context is, if it is one.
func made(ctx ssa.Value) *ssa.Extract {
	if load, ok := ctx.(*ssa.UnOp); ok {
		if a, ok := load.X.(*ssa.Alloc); ok && onlyStore(a) != nil {
			ctx = onlyStore(a).Val
		} else {
			ctx = LastStored(load)
		}
	}
	ex, ok := ctx.(*ssa.Extract)
	if !ok {
		return nil
	}
	call, ok := ex.Tuple.(*ssa.Call)
	if !ok || !strings.HasPrefix(calleeName(&call.Call), "context.With") {
		return nil
	}
	return ex
}

// cancels says whether the function defers the cancel function among the results.
func cancels(fn *ssa.Function, results ssa.Value) bool {
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			d, ok := instr.(*ssa.Defer)
			if !ok {
				continue
			}
			if ex, ok := d.Call.Value.(*ssa.Extract); ok && ex.Tuple == results {
				return true
			}
		}
	}
	return false
}
