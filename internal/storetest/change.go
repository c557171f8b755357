package storetest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var changeTests = []test{
	{"a completed run", completedRun},
	{"a failed run", failedRun},
	{"the first end wins", firstEndWins},
	{"illegal transitions are refused", illegalTransitions},
	{"a change is for the run in hand", changeInHand},
	{"IfLastSeq refuses when somebody wrote", ifLastSeq},
	{"an end gives the thread to the next in its queue", endFreesNext},
	{"an end without a queue makes nothing runnable", endWithoutQueue},
	{"waiting and running again in one hand", waitInHand},
}

func completedRun(f *fixture) {
	o := f.start(tea)
	res := o.complete()
	run := f.run(o.Run.ID)
	if run.FinishedAt == nil || run.StartedAt == nil || run.FinishedAt.Before(*run.StartedAt) || run.StartedAt.Before(run.CreatedAt) {
		f.Fatalf("times: created %v, started %v, finished %v", run.CreatedAt, run.StartedAt, run.FinishedAt)
	}
	f.equal("run", reeve.Run{
		ID: "tea.1", Thread: tea, Owner: ann, Agent: agent, Status: reeve.StatusCompleted, Input: input,
		Result: json.RawMessage(`"done"`), Attempt: 1, FirstSeq: 1, LastSeq: res.LastSeq,
		CreatedAt: run.CreatedAt, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt,
	}, run)
}

func failedRun(f *fixture) {
	o := f.start(tea)
	op := o.failure()
	res := f.do(op)
	run := f.run(o.Run.ID)
	f.equal("failure", op.Change.Error, run.Error)
	if run.Status != reeve.StatusFailed || run.FinishedAt == nil || run.LastSeq != res.LastSeq || run.Result != nil {
		f.Fatalf("failed run: %+v", run)
	}
}

// A run has one end. Whoever comes second changes neither the log nor the row.
func firstEndWins(f *fixture) {
	o := f.start(tea)
	done, failed := o.completion(), o.failure()
	results := f.commit(done, failed)
	f.ok(results[0].Err)
	if results[1].Err == nil {
		f.Fatal("a second end was written")
	}
	f.hasStatus(o.Run.ID, reeve.StatusCompleted)
	f.hasCode(f.commit(&journal.Cancel{Run: o.Run.ID})[0].Err, reeve.CodeConflict)
	log := f.log(tea)
	if ends := slices.DeleteFunc(kinds(log), func(k reeve.Kind) bool { return !k.Ends() }); len(ends) != 1 {
		f.Fatalf("ends in the log: %v", ends)
	}
}

// Every status that a run in hand may not take is refused, and leaves no trace.
func illegalTransitions(f *fixture) {
	o := f.start(tea)
	try := func(from reeve.Status) {
		for _, to := range append(slices.Clone(reeve.Statuses), "nonsense") {
			if !from.May(to) {
				f.refuse(o.change(reeve.KindRunStalled, journal.Change{Status: to}), reeve.CodeConflict)
				f.hasStatus(o.Run.ID, from)
			}
		}
	}
	try(reeve.StatusRunning)
	f.do(o.change(reeve.KindRunWaiting, journal.Change{Status: reeve.StatusWaiting}))
	try(reeve.StatusWaiting)
}

func changeInHand(f *fixture) {
	o := f.start(tea)
	queued := f.accept(tea)
	for _, other := range []reeve.RunID{queued.ID, "tea.99"} {
		op := o.op(journal.Draft{Kind: reeve.KindRunFailed})
		op.Change = &journal.Change{Run: other, Status: reeve.StatusFailed}
		f.refuse(op, reeve.CodeConflict)
	}
	f.hasStatus(queued.ID, reeve.StatusQueued)
}

func ifLastSeq(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	last := f.heads(tea)[tea].Seq
	f.do(&journal.Answer{Run: o.Run.ID, Path: "may", Value: input, By: "client"})
	op := o.waiting(time.Time{})
	op.Change.IfLastSeq = last
	f.refuse(op, reeve.CodeConflict)
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
	f.do(o.op(step(1))) // it is still in hand

	op = o.waiting(time.Time{})
	op.Change.IfLastSeq = f.heads(tea)[tea].Seq
	f.do(op)
	f.hasStatus(o.Run.ID, reeve.StatusWaiting)
}

func endFreesNext(f *fixture) {
	ends := map[reeve.ThreadID]func(*owner) *journal.Append{
		"completed": (*owner).completion,
		"failed":    (*owner).failure,
		"cancelled": func(o *owner) *journal.Append {
			return o.change(reeve.KindRunCancelled, journal.Change{Status: reeve.StatusCancelled})
		},
	}
	for thread, end := range ends {
		o := f.start(thread)
		second, third := f.accept(thread), f.accept(thread)
		if got := f.claimable(); len(got) != 0 {
			f.Fatalf("claimable behind a running run: %v", got)
		}
		if res := f.do(end(o)); !res.Runnable {
			f.Errorf("%s with a queue: the result does not say runnable", thread)
		}
		f.hasStatus(o.Run.ID, reeve.Status(thread))
		f.claimRun(node, second.ID).complete()
		f.claimRun(node, third.ID).complete()
	}
}

func endWithoutQueue(f *fixture) {
	if res := f.start(tea).complete(); res.Runnable {
		f.Error("an end without a queue says runnable")
	}
	f.equal("claimable", []reeve.RunID{}, f.claimable())
}

func waitInHand(f *fixture) {
	o := f.start(tea)
	f.do(o.change(reeve.KindRunWaiting, journal.Change{Status: reeve.StatusWaiting}))
	f.hasStatus(o.Run.ID, reeve.StatusWaiting)
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	f.do(o.change(reeve.KindRunResumed, journal.Change{Status: reeve.StatusRunning}))
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
	o.complete()
}
