package storetest

import (
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var cancelTests = []test{
	{"a queued run ends at once", cancelQueued},
	{"a queued run behind a running one ends at once", cancelBehind},
	{"a waiting run that nobody holds ends at once", cancelWaiting},
	{"a running run is asked to end", cancelRunning},
	{"a waiting run in hand is asked to end", cancelWaitingHeld},
	{"a run handed over is asked to end", cancelHanded},
	{"a second request writes nothing", cancelTwice},
	{"a run that has ended", cancelEnded},
	{"a run that is not there", cancelNoRun},
	{"a run that completes after the request is completed", cancelThenComplete},
}

var retryTests = []test{
	{"a failed run is queued again", retryFailed},
	{"the result of a retry", retryResult},
	{"any other status is refused", retryOthers},
	{"a retry waits for its turn", retryWaitsItsTurn},
	{"a retried run can be cancelled", retryCancelled},
	{"a run that is not there", retryNoRun},
}

// lastKinds is the end of a thread's log.
func (f *fixture) lastKinds(thread reeve.ThreadID, n int) []reeve.Kind {
	f.Helper()
	list := kinds(f.log(thread))
	return list[max(0, len(list)-n):]
}

func (f *fixture) endedByCancel(res journal.Result, run reeve.RunID) {
	f.Helper()
	f.equal("written", []reeve.Kind{"cancel.requested", "run.cancelled"}, kinds(res.Entries))
	got := f.run(run)
	f.equal("the result's run", got, res.Run)
	last := res.Entries[len(res.Entries)-1]
	if got.Status != reeve.StatusCancelled || got.FinishedAt == nil || got.LastSeq != last.Seq {
		f.Fatalf("cancelled run: %+v", got)
	}
	if reason := read[reeve.CancelRequested](f, res.Entries[0]).Reason; reason != "enough" {
		f.Errorf("reason %q, want enough", reason)
	}
}

func cancelQueued(f *fixture) {
	first, second := f.accept(tea), f.accept(tea)
	f.endedByCancel(f.do(&journal.Cancel{Run: first.ID, Reason: "enough"}), first.ID)
	f.equal("claimable", []reeve.RunID{second.ID}, f.claimable())
}

func cancelBehind(f *fixture) {
	o := f.start(tea)
	second, third := f.accept(tea), f.accept(tea)
	f.endedByCancel(f.do(&journal.Cancel{Run: second.ID, Reason: "enough"}), second.ID)
	o.steps(1)
	o.complete()
	f.equal("claimable", []reeve.RunID{third.ID}, f.claimable())
}

func cancelWaiting(f *fixture) {
	o := f.start(tea)
	f.do(o.waiting(farAway()))
	next := f.accept(tea)
	f.endedByCancel(f.do(&journal.Cancel{Run: o.Run.ID, Reason: "enough"}), o.Run.ID)
	f.equal("claimable", []reeve.RunID{next.ID}, f.claimable())
	f.refuse(o.op(step(1)), reeve.CodeFenced)
}

func cancelRunning(f *fixture) {
	o := f.start(tea)
	res := f.do(&journal.Cancel{Run: o.Run.ID, Reason: "enough"})
	f.equal("written", []reeve.Kind{"cancel.requested"}, kinds(res.Entries))
	f.equal("status", reeve.StatusRunning, res.Run.Status)
	f.equal("inbox", []reeve.ThreadID{tea}, f.inbox())
	f.do(o.change(reeve.KindRunCancelled, journal.Change{Status: reeve.StatusCancelled}))
	f.hasStatus(o.Run.ID, reeve.StatusCancelled)
}

func cancelWaitingHeld(f *fixture) {
	o := f.start(tea)
	f.do(o.change(reeve.KindRunWaiting, journal.Change{Status: reeve.StatusWaiting}))
	res := f.do(&journal.Cancel{Run: o.Run.ID})
	f.equal("written", []reeve.Kind{"cancel.requested"}, kinds(res.Entries))
	f.do(o.change(reeve.KindRunCancelled, journal.Change{Status: reeve.StatusCancelled}))
}

// Its agents may have begun things that only an owner can end: the next one is told.
func cancelHanded(f *fixture) {
	o := f.start(tea)
	f.do(o.handing())
	res := f.do(&journal.Cancel{Run: o.Run.ID})
	f.equal("written", []reeve.Kind{"cancel.requested"}, kinds(res.Entries))
	f.claimRun(node, o.Run.ID)
}

func cancelTwice(f *fixture) {
	o := f.start(tea)
	f.do(&journal.Cancel{Run: o.Run.ID})
	before := f.log(tea)
	res := f.do(&journal.Cancel{Run: o.Run.ID, Reason: "again"})
	f.equal("written", 0, len(res.Entries))
	f.equal("run", f.run(o.Run.ID), res.Run)
	f.equal("log", before, f.log(tea))
}

func cancelEnded(f *fixture) {
	o := f.start(tea)
	o.complete()
	f.refuse(&journal.Cancel{Run: o.Run.ID}, reeve.CodeConflict)
	queued := f.accept(tea)
	f.do(&journal.Cancel{Run: queued.ID})
	f.refuse(&journal.Cancel{Run: queued.ID}, reeve.CodeConflict)
}

func cancelNoRun(f *fixture) {
	f.accept(tea)
	for _, id := range []reeve.RunID{"tea.2", "nowhere.1", "tea.0", "tea"} {
		f.hasCode(f.commit(&journal.Cancel{Run: id})[0].Err, reeve.CodeNotFound)
	}
}

func cancelThenComplete(f *fixture) {
	o := f.start(tea)
	f.do(&journal.Cancel{Run: o.Run.ID})
	o.complete()
	f.hasStatus(o.Run.ID, reeve.StatusCompleted)
}

func retryFailed(f *fixture) {
	o := f.start(tea)
	o.steps(2)
	o.fail()
	f.do(&journal.Retry{Run: o.Run.ID})
	next := f.claimRun(node, o.Run.ID)
	if next.Run.Attempt != 1 || !next.Replay || next.Strikes != 0 || next.Fence <= o.Fence {
		f.Errorf("claimed after a retry: %+v", next.Claimed)
	}
	f.equal("what Messages sees", o.InputSeq, next.InputSeq)
	f.equal("log's end", []reeve.Kind{"run.failed", "run.queued", "run.started"}, f.lastKinds(tea, 3))
	next.complete()
	run := f.run(o.Run.ID)
	if run.Status != reeve.StatusCompleted || run.Error != nil || run.FirstSeq != 1 || run.StartedAt == nil || !run.StartedAt.Equal(*o.Run.StartedAt) {
		f.Errorf("completed after a retry: %+v", run)
	}
}

func retryResult(f *fixture) {
	o := f.start(tea)
	o.fail()
	res := f.do(&journal.Retry{Run: o.Run.ID})
	f.equal("run", f.run(o.Run.ID), res.Run)
	if !res.Runnable || res.Run.Status != reeve.StatusQueued || res.Run.Error != nil || res.Run.FinishedAt != nil || res.Run.LastSeq != 0 {
		f.Errorf("result of a retry: %+v", res)
	}
	f.equal("run.queued", reeve.RunQueued{Agent: agent, Retry: true}, read[reeve.RunQueued](f, res.Entries[0]))
}

func retryOthers(f *fixture) {
	run := f.accept(tea)
	refused := func(status reeve.Status) {
		f.Helper()
		f.hasStatus(run.ID, status)
		f.refuse(&journal.Retry{Run: run.ID}, reeve.CodeConflict)
	}
	refused(reeve.StatusQueued)
	o := f.claimRun(node, run.ID)
	refused(reeve.StatusRunning)
	f.do(o.waiting(farAway()))
	refused(reeve.StatusWaiting)
	f.do(&journal.Cancel{Run: run.ID})
	refused(reeve.StatusCancelled)
	run = f.accept(tea)
	f.claimRun(node, run.ID).complete()
	refused(reeve.StatusCompleted)
	run = f.accept(tea)
	f.claimRun(node, run.ID).fail()
	f.do(&journal.Retry{Run: run.ID})
	refused(reeve.StatusQueued)
}

func retryWaitsItsTurn(f *fixture) {
	failed := f.start(tea)
	failed.fail()
	o := f.start(tea)
	queued := f.accept(tea)
	if res := f.do(&journal.Retry{Run: failed.Run.ID}); res.Runnable {
		f.Error("behind a running run a retry is said to be runnable")
	}
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	o.complete()
	f.claimRun(node, failed.Run.ID).complete() // the lowest number first
	f.claimRun(node, queued.ID).complete()
}

func retryCancelled(f *fixture) {
	o := f.start(tea)
	f.do(&journal.Cancel{Run: o.Run.ID})
	o.fail()
	f.do(&journal.Retry{Run: o.Run.ID})
	res := f.do(&journal.Cancel{Run: o.Run.ID})
	if !slices.Equal(kinds(res.Entries), []reeve.Kind{"cancel.requested", "run.cancelled"}) {
		f.Errorf("cancel after a retry wrote %v", kinds(res.Entries))
	}
	f.hasStatus(o.Run.ID, reeve.StatusCancelled)
	f.equal("claimable", []reeve.RunID{}, f.claimable())
}

func retryNoRun(f *fixture) {
	f.hasCode(f.commit(&journal.Retry{Run: "nowhere.1"})[0].Err, reeve.CodeNotFound)
}
