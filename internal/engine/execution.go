package engine

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// Begin prepares the execution of a claimed run. Run must be called once.
func (e *Engine) Begin(c journal.Claimed) *Execution { panic("being written") }

// Execution is one run in the hands of this node.
type Execution struct{}

// Run executes until the run ends, waits, is handed over or lost. It returns only when every
// goroutine of the run has returned. ctx's end is the loss of the thread: nothing more is written.
func (x *Execution) Run(ctx context.Context) Outcome { panic("being written") }

// Deliver tells the execution what somebody wrote to its thread: answers and
// requests to cancel. It does not block. Entries that it knows already do no harm.
func (x *Execution) Deliver(entries []reeve.Entry) {}

// LetGo ends the execution for another to go on: operations return agent.ErrSuspended, and
// once all functions have returned, run.handed is written with the reason.
func (x *Execution) LetGo(reason string) {}

// States is what each live agent of the tree does just now, parents first. It is
// empty before Run has begun and after it has returned.
func (x *Execution) States() []State { return nil }

// Stalled writes run.stalled for an agent, without waiting for it to be durable.
func (x *Execution) Stalled(s State, reason string) {}
