package flow

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// retriers are functions of libraries that run a literal again when its transaction failed.
var retriers = map[string]bool{
	"github.com/cockroachdb/cockroach-go/v2/crdb.ExecuteTx":              true,
	"github.com/cockroachdb/cockroach-go/v2/crdb.ExecuteInTx":            true,
	"github.com/cockroachdb/cockroach-go/v2/crdb/crdbpgx.ExecuteTx":      true,
	"github.com/cockroachdb/cockroach-go/v2/crdb/crdbpgxv5.ExecuteTx":    true,
	"github.com/cockroachdb/cockroach-go/v2/crdb/crdbgorm.ExecuteTx":     true,
	"github.com/cockroachdb/cockroach-go/v2/crdb/crdbsqlx.ExecuteTx":     true,
	"github.com/cockroachdb/cockroach-go/crdb.ExecuteTx":                 true,
	"cloud.google.com/go/spanner.Client.ReadWriteTransaction":            true,
	"cloud.google.com/go/spanner.Client.ReadWriteTransactionWithOptions": true,
}

// Retried lists the literals given to a call that runs them again when their
// transaction failed.
func (r *Result) Retried(call *ssa.CallCommon) []*ssa.Function {
	var all []*ssa.Function
	s := r.pkg.summary(call)
	for i, a := range call.Args {
		if mc, ok := bare(a).(*ssa.MakeClosure); ok && (retriers[calleeName(call)] || s != nil && slices.Contains(s.Retries, i)) {
			all = append(all, mc.Fn.(*ssa.Function))
		}
	}
	return all
}

func bare(v ssa.Value) ssa.Value {
	if c, ok := v.(*ssa.ChangeType); ok {
		return c.X
	}
	return v
}

// bareAttempt says whether a call gives a literal nothing but a context and takes nothing
// but an error: in a loop it is made again, not on something else.
func bareAttempt(call *ssa.CallCommon) bool {
	res := call.Signature().Results()
	if res.Len() != 1 || res.At(0).Type().String() != "error" {
		return false
	}
	return !slices.ContainsFunc(call.Args, func(a ssa.Value) bool { return a.Type().String() != "context.Context" })
}

// retries are the parameters that a function calls in a loop with a transaction that it
// opens in the loop, or hands to a function that does, and those that it only attempts
// in a loop.
func (p *pkg) retries(fn *ssa.Function) []int {
	var all []int
	for i, param := range fn.Params {
		if _, ok := param.Type().Underlying().(*types.Signature); ok && p.retried(fn, param) {
			all = append(all, i)
		}
	}
	return all
}

func (p *pkg) retried(fn *ssa.Function, param *ssa.Parameter) bool {
	for _, ref := range usesThrough(param) {
		call, ok := ref.(*ssa.Call)
		if !ok {
			continue
		}
		if call.Call.Value == ssa.Value(param) {
			if Loops(call) && (givenTx(&call.Call) && opensInLoop(fn, call) || bareAttempt(&call.Call)) {
				return true
			}
			continue
		}
		s := p.summary(&call.Call)
		for i, a := range call.Call.Args {
			if bare(a) == ssa.Value(param) && (retriers[calleeName(&call.Call)] || s != nil && (slices.Contains(s.Retries, i) || slices.Contains(s.Runs, i) && Loops(call))) {
				return true
			}
		}
	}
	return false
}

// runs are the parameters that a function calls with a transaction that it opens.
func runs(fn *ssa.Function) []int {
	var all []int
	for i, param := range fn.Params {
		if _, ok := param.Type().Underlying().(*types.Signature); !ok {
			continue
		}
		for _, ref := range usesThrough(param) {
			call, ok := ref.(*ssa.Call)
			if ok && call.Call.Value == ssa.Value(param) && givenTx(&call.Call) && opensBefore(fn, call) {
				all = append(all, i)
				break
			}
		}
	}
	return all
}

func givenTx(call *ssa.CallCommon) bool {
	return slices.ContainsFunc(call.Args, func(a ssa.Value) bool { return handle.Like(a.Type()) == handle.Tx })
}

func opensBefore(fn *ssa.Function, call *ssa.Call) bool {
	return opensWhere(fn, func(open *ssa.Call) bool { return Dominates(open, call) })
}

func opensInLoop(fn *ssa.Function, call *ssa.Call) bool {
	return opensWhere(fn, func(open *ssa.Call) bool { return Reaches(open, call) && Reaches(call, open) })
}

func opensWhere(fn *ssa.Function, where func(*ssa.Call) bool) bool {
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			if call, ok := instr.(*ssa.Call); ok && handle.Opens(methodName(&call.Call)) && where(call) {
				return true
			}
		}
	}
	return false
}
