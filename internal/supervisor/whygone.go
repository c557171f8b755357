package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// whyGone tells from the log of a run that is not in hand here.
func (s *Supervisor) whyGone(ctx context.Context, r *reeve.Run, w *wire.Why) (err error) {
	switch r.Status {
	case reeve.StatusQueued:
		return s.whyQueued(ctx, r, w)
	case reeve.StatusWaiting:
		return s.whyWaiting(ctx, w)
	case reeve.StatusRunning:
		w.Summary = "It is on its way from one node to another, or running on a node that is not this one."
		if !s.Has(r.Agent) {
			w.Summary += fmt.Sprintf(" This node has no agent %q.", r.Agent)
		}
	case reeve.StatusFailed:
		w.Summary = "It has failed."
		if r.Error != nil {
			w.Summary = fmt.Sprintf("It has failed (%s): %s", r.Error.Code, r.Error.Message)
		}
	default:
		w.Summary = fmt.Sprintf("It is %s.", r.Status)
	}
	return nil
}

// whyQueued looks for what keeps a run from being taken.
func (s *Supervisor) whyQueued(ctx context.Context, r *reeve.Run, w *wire.Why) error {
	ahead, err := s.ahead(ctx, r)
	if err != nil {
		return err
	}
	paused, err := s.cfg.Journal.Paused(ctx)
	if err != nil {
		return err
	}
	w.Ahead = ahead
	used, room := s.slots.state(r.Owner)
	switch {
	case len(ahead) > 0:
		w.Summary = fmt.Sprintf("It is queued behind %d other runs of its thread; the first of them is %s.", len(ahead), ahead[0])
	case slices.Contains(paused, r.Agent):
		w.Summary = fmt.Sprintf("It is queued because agent %q is paused: resume the agent.", r.Agent)
	case !s.Has(r.Agent):
		w.Summary = fmt.Sprintf("It is queued because this node has no agent %q: start a node that has it.", r.Agent)
	case !room:
		w.Summary = fmt.Sprintf("It is queued because the node is full: %d runs are in hand.", used)
	case !s.lease.good():
		w.Summary = "It is queued because the node's lease is over: the store does not take its beats."
	default:
		w.Summary = "It is queued and will be taken up at once."
	}
	return nil
}

// ahead is the runs of the thread that come before r and have not ended, oldest first. It looks at the
// thousand before it.
func (s *Supervisor) ahead(ctx context.Context, r *reeve.Run) ([]reeve.RunID, error) {
	runs, err := s.cfg.Journal.Runs(ctx, journal.RunQuery{Thread: r.Thread, Before: r.ID, Limit: 1000})
	if err != nil {
		return nil, err
	}
	var ahead []reeve.RunID
	for i := range runs {
		if !runs[i].Status.Ended() {
			ahead = append(ahead, runs[i].ID)
		}
	}
	slices.Reverse(ahead)
	return ahead, nil
}

// whyWaiting tells what the run waits for as it said when it let go.
func (s *Supervisor) whyWaiting(ctx context.Context, w *wire.Why) error {
	entry, err := s.last(ctx, w.Run, reeve.KindRunWaiting)
	if err != nil {
		return err
	}
	var waiting reeve.RunWaiting
	if entry != nil {
		if err := json.Unmarshal(entry.Data, &waiting); err != nil {
			return fmt.Errorf("run.waiting at %d of run %s: %w", entry.Seq, w.Run, err)
		}
	}
	var parts []string
	for _, f := range waiting.For {
		parts = append(parts, waitingFor(f))
	}
	w.Summary = "It waits and holds no node: for " + strings.Join(parts, "; ") + "."
	if len(parts) == 0 {
		w.Summary = "It waits and holds no node."
	}
	return nil
}

func waitingFor(f reeve.Waiting) string {
	what := "an answer to " + f.Path
	if f.What == string(engine.InSleep) {
		what = "the end of the sleep " + f.Path
	}
	if f.Until != nil {
		what += ", until " + f.Until.Format(time.RFC3339)
	}
	return what
}
