package storetest

import (
	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// folded is a run as its log alone tells it.
type folded struct {
	Agent           string
	Status          reeve.Status
	Attempt         int
	First, Last     int64
	Started, Closed bool
}

// fold reads the rows of a whole log's runs out of the log: rows are projections.
func (f *fixture) fold(log []reeve.Entry) map[reeve.RunID]folded {
	f.Helper()
	runs := map[reeve.RunID]folded{}
	for _, e := range log {
		run := runs[e.Run]
		if run.First == 0 {
			run.First = e.Seq
		}
		switch e.Kind {
		case reeve.KindRunQueued:
			run.Agent, run.Status = read[reeve.RunQueued](f, e).Agent, reeve.StatusQueued
			run.Last, run.Closed = 0, false
		case reeve.KindRunStarted:
			run.Status, run.Attempt, run.Started = reeve.StatusRunning, read[reeve.RunStarted](f, e).Attempt, true
		case reeve.KindRunResumed, reeve.KindRunHanded:
			run.Status = reeve.StatusRunning
		case reeve.KindRunWaiting:
			run.Status = reeve.StatusWaiting
		case reeve.KindRunCompleted:
			run.Status = reeve.StatusCompleted
		case reeve.KindRunFailed:
			run.Status = reeve.StatusFailed
		case reeve.KindRunCancelled:
			run.Status = reeve.StatusCancelled
		}
		if e.Kind.Ends() {
			if run.Closed {
				f.Fatalf("run %s ends twice", e.Run)
			}
			run.Last, run.Closed = e.Seq, true
		}
		runs[e.Run] = run
	}
	return runs
}

// foldsTo wants the rows of a thread's runs to say what its whole log says.
func (f *fixture) foldsTo(thread reeve.ThreadID, log []reeve.Entry) {
	f.Helper()
	rows, err := f.store.Runs(f.ctx, journal.RunQuery{Thread: thread, Limit: 1000})
	f.ok(err)
	got := map[reeve.RunID]folded{}
	for _, r := range rows {
		got[r.ID] = folded{
			Agent: r.Agent, Status: r.Status, Attempt: r.Attempt, First: r.FirstSeq, Last: r.LastSeq,
			Started: r.StartedAt != nil, Closed: r.FinishedAt != nil,
		}
	}
	f.equal("runs by their log (-) and by their rows (+)", f.fold(log), got)
}
