package supervisor

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
)

// reasonStopping is what run.handed says of a graceful stop.
const reasonStopping = "the node is stopping"

// execute runs a claim to its end on the calling goroutine.
func (s *Supervisor) execute(e *execution) {
	out := e.x.Run(e.term.ctx)
	s.metrics.ended(e.claim.Run.Agent, out.End)
	args := func(more ...any) []any { // not put together for a line that nobody reads
		return append([]any{"run", e.run(), "agent", e.claim.Run.Agent, "attempt", e.claim.Run.Attempt, "elapsed_ms", time.Since(e.begun).Milliseconds()}, more...)
	}
	switch out.End {
	case engine.Completed, engine.Cancelled:
		s.own.forget(e.run())
	case engine.Failed:
		s.own.forget(e.run())
		s.log.Warn("a run has failed", args("err", out.Err)...)
	case engine.Lost:
		s.log.Warn("a run was lost: it goes on from the log", args("err", out.Err)...)
		s.doubtLost(e, out.Err)
	default:
		s.rouse()
	}
	if s.log.Enabled(e.term.ctx, slog.LevelDebug) {
		s.log.Debug("an execution is over", args("end", string(out.End))...)
	}
}

// doubtLost looks after a thread that was given up although the term still holds it.
func (s *Supervisor) doubtLost(e *execution, err error) {
	if e.term.ctx.Err() == nil && reeve.CodeOf(err) != reeve.CodeFenced {
		s.doubts.add(e.claim.Run.Thread)
	}
}

// poisoned says whether the strikes in a row span long enough to mean the run. A log that cannot be read now
// is no reason to fail one.
func (s *Supervisor) poisoned(ctx context.Context, c journal.Claimed) bool {
	unit, cancel := context.WithTimeout(ctx, unitBound)
	defer cancel()
	var starts []time.Time
	q := journal.EntryQuery{Thread: c.Run.Thread, Run: c.Run.ID, After: c.Run.FirstSeq - 1, Kinds: []reeve.Kind{reeve.KindRunStarted}}
	for e, err := range s.cfg.Journal.All(unit, q) {
		if err != nil {
			return false
		}
		starts = append(starts, e.At)
	}
	first := len(starts) - 1 - c.Strikes // the start whose node was the first in a row to die
	return first >= 0 && starts[len(starts)-1].Sub(starts[first]) >= poisonSpan
}

// poison fails a run that has killed too many nodes, without executing it again.
func (s *Supervisor) poison(e *execution) {
	failure := reeve.Failure{
		Code:    reeve.CodePoisoned,
		Message: "five nodes in a row died while they had this run in hand and nothing new was recorded: it is not tried again by itself; when the cause is found, retry it",
	}
	change := &journal.Change{Run: e.run(), Status: reeve.StatusFailed, Error: &failure}
	if s.write(e, change, reeve.KindRunFailed, failure) {
		s.own.forget(e.run())
		s.metrics.ended(e.claim.Run.Agent, engine.Failed)
		s.log.Error("a run is poisoned and was failed", "run", e.run(), "agent", e.claim.Run.Agent, "strikes", e.claim.Strikes)
	}
}

// handOver gives back a thread that arrived while the node was stopping.
func (s *Supervisor) handOver(e *execution) {
	change := &journal.Change{Run: e.run(), Status: reeve.StatusRunning, Release: true, Wake: time.Now()}
	if s.write(e, change, reeve.KindRunHanded, reeve.RunHanded{Reason: reasonStopping}) {
		s.metrics.ended(e.claim.Run.Agent, engine.Handed)
	}
}

// write appends the one entry of a claim that is not executed.
func (s *Supervisor) write(e *execution, change *journal.Change, kind reeve.Kind, data any) bool {
	raw, err := json.Marshal(data)
	if err == nil {
		_, err = s.cfg.Journal.Owner(e.term.ctx, e.claim).Append(change, journal.Draft{
			Kind: kind, Run: e.run(), Attempt: e.claim.Run.Attempt, Data: raw,
		})
	}
	if err != nil {
		s.log.Warn("the end of a claim was not written: the thread is free when the node has left", "run", e.run(), "kind", string(kind), "err", err)
		s.doubtLost(e, err)
	}
	return err == nil
}
