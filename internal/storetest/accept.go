package storetest

import (
	"encoding/json"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var acceptTests = []test{
	{"a new thread", acceptNewThread},
	{"a thread that is there", acceptExistingThread},
	{"a thread that is not there", acceptMissingThread},
	{"another owner's thread is not there", acceptForeignThread},
	{"on_busy enqueue", busyEnqueue},
	{"on_busy reject", busyReject},
	{"on_busy interrupt with a run in hand", busyInterruptHeld},
	{"on_busy interrupt with runs nobody holds", busyInterruptFree},
	{"a waiting run is busy", waitingIsBusy},
	{"take", acceptTake},
	{"take passes over what is not free", acceptTakeNotFree},
	{"an input of nothing is null", acceptNoInput},
}

func acceptNewThread(f *fixture) {
	op := acceptOn(tea)
	op.Title, op.Metadata, op.Version = "Tea", json.RawMessage(`{"k":"v"}`), "v1"
	res := f.do(op)
	log := f.log(tea)
	f.equal("kinds", []reeve.Kind{"message.added", "run.queued"}, kinds(log))
	f.equal("result's entries", log, res.Entries)
	for _, e := range log {
		if e.Run != "tea.1" || e.Path != "" {
			f.Errorf("%s: run %q, path %q, want tea.1 and none", e.Kind, e.Run, e.Path)
		}
	}
	message := read[reeve.MessageAdded](f, log[0])
	if message.Role != reeve.RoleUser {
		f.Errorf("role %q, want %q", message.Role, reeve.RoleUser)
	}
	f.sameJSON("content", input, message.Content)
	f.equal("run.queued", reeve.RunQueued{Agent: agent}, read[reeve.RunQueued](f, log[1]))
	f.equal("run", reeve.Run{
		ID: "tea.1", Thread: tea, Owner: ann, Agent: agent, Version: "v1", Status: reeve.StatusQueued,
		Input: input, FirstSeq: 1, CreatedAt: res.Run.CreatedAt,
	}, res.Run)
	f.equal("run as it is read", res.Run, f.run("tea.1"))
	row, err := f.store.Thread(f.ctx, tea)
	f.ok(err)
	f.equal("thread", reeve.Thread{
		ID: tea, Owner: ann, Title: "Tea", Metadata: json.RawMessage(`{"k":"v"}`),
		Epoch: row.Epoch, FirstSeq: 1, LastSeq: 2, CreatedAt: row.CreatedAt,
	}, row)
	if !res.Runnable || res.LastSeq != 2 || res.Existing || res.Claimed != nil {
		f.Errorf("result %+v, want runnable, last 2, new, not claimed", res)
	}
}

func acceptExistingThread(f *fixture) {
	_, err := f.store.CreateThread(f.ctx, reeve.Thread{ID: tea, Owner: ann, Title: "first"})
	f.ok(err)
	op := acceptOn(tea)
	op.Create = false
	f.equal("run", reeve.RunID("tea.1"), f.do(op).Run.ID)
	op.Create, op.Title = true, "second"
	f.equal("run", reeve.RunID("tea.2"), f.do(op).Run.ID)
	row, err := f.store.Thread(f.ctx, tea)
	f.ok(err)
	f.equal("title", "first", row.Title)
}

func acceptMissingThread(f *fixture) {
	op := acceptOn(tea)
	op.Create = false
	f.refuse(op, reeve.CodeNotFound)
	_, err := f.store.Thread(f.ctx, tea)
	f.hasCode(err, reeve.CodeNotFound)
}

func acceptForeignThread(f *fixture) {
	f.accept(tea)
	for _, create := range []bool{true, false} {
		op := acceptOn(tea)
		op.Owner, op.Create = "bob", create
		f.refuse(op, reeve.CodeNotFound)
		op.OnBusy = reeve.Reject // not even that it is busy
		f.refuse(op, reeve.CodeNotFound)
	}
}

func busyEnqueue(f *fixture) {
	o := f.start(tea)
	for _, onBusy := range []reeve.OnBusy{reeve.Enqueue, ""} {
		op := acceptOn(tea)
		op.OnBusy = onBusy
		res := f.do(op)
		if res.Run.Status != reeve.StatusQueued || res.Runnable {
			f.Errorf("behind a running run: status %s, runnable %v", res.Run.Status, res.Runnable)
		}
	}
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
}

func busyReject(f *fixture) {
	op := acceptOn(tea)
	op.OnBusy = reeve.Reject
	f.do(op) // a thread that is free takes it
	f.refuse(op, reeve.CodeBusy)
	o := f.claimRun(node, "tea.1")
	f.refuse(op, reeve.CodeBusy)
	o.complete()
	f.equal("run after the end", reeve.RunID("tea.2"), f.do(op).Run.ID)
}

func busyInterruptHeld(f *fixture) {
	o := f.start(tea)
	queued := f.accept(tea)
	op := acceptOn(tea)
	op.OnBusy = reeve.Interrupt
	res := f.do(op)
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
	f.hasStatus(queued.ID, reeve.StatusCancelled)
	f.hasStatus(res.Run.ID, reeve.StatusQueued)
	requested := map[reeve.RunID]int{}
	for _, e := range f.log(tea) {
		if e.Kind == reeve.KindCancelRequested {
			requested[e.Run]++
		}
	}
	f.equal("requests", map[reeve.RunID]int{o.Run.ID: 1, queued.ID: 1}, requested)
	f.do(o.change(reeve.KindRunCancelled, journal.Change{Status: reeve.StatusCancelled}))
	f.equal("claimable", []reeve.RunID{res.Run.ID}, f.claimable())
}

func busyInterruptFree(f *fixture) {
	waiting := f.start(tea)
	f.do(waiting.waiting(farAway()))
	queued := f.accept(tea)
	op := acceptOn(tea)
	op.OnBusy, op.Take = reeve.Interrupt, node
	res := f.do(op)
	f.hasStatus(waiting.Run.ID, reeve.StatusCancelled)
	f.hasStatus(queued.ID, reeve.StatusCancelled)
	if res.Claimed == nil || res.Claimed.Run.ID != res.Run.ID {
		f.Fatalf("nobody is left, but the thread was not taken: %+v", res)
	}
	log := f.log(tea)
	f.equal("result's entries", log[len(log)-len(res.Entries):], res.Entries)
}

func waitingIsBusy(f *fixture) {
	o := f.start(tea)
	f.do(o.waiting(farAway()))
	op := acceptOn(tea)
	op.OnBusy = reeve.Reject
	f.refuse(op, reeve.CodeBusy)
	// A run that is queued behind it waits for it: the waiting run keeps its thread.
	op.OnBusy = reeve.Enqueue
	queued := f.do(op).Run
	for _, id := range f.claimable() {
		if id == queued.ID {
			f.Fatal("a queued run passed the waiting one")
		}
	}
}

func acceptTake(f *fixture) {
	op := acceptOn(tea)
	op.Take = node
	res := f.do(op)
	c := res.Claimed
	if c == nil {
		f.Fatal("a free thread was not taken")
	}
	log := f.log(tea)
	f.equal("kinds", []reeve.Kind{"message.added", "run.queued", "run.started"}, kinds(log))
	f.equal("result's entries", log, res.Entries)
	f.equal("run", res.Run, c.Run)
	f.equal("run as it is read", c.Run, f.run("tea.1"))
	if c.Run.Status != reeve.StatusRunning || c.Run.Attempt != 1 || c.LastSeq != 3 || c.Epoch != log[0].Epoch || c.Replay || c.Owner != ann || res.Runnable {
		f.Errorf("claimed %+v", c)
	}
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	o := &owner{f: f, Claimed: *c, number: 1}
	o.steps(1)
	o.complete()
	res = f.do(op)
	if res.Claimed == nil || res.Claimed.Fence <= c.Fence {
		f.Fatalf("second take %+v, want a higher fence than %d", res.Claimed, c.Fence)
	}
}

func acceptTakeNotFree(f *fixture) {
	take := func(thread reeve.ThreadID, agent string) journal.Result {
		op := acceptOn(thread)
		op.Agent, op.Take = agent, node
		return f.do(op)
	}
	f.accept(tea)
	f.ok(f.store.SetPaused(f.ctx, "lame", true))
	for name, res := range map[string]journal.Result{
		"a thread with a queue":   take(tea, agent),
		"a paused agent's thread": take("lame", "lame"),
	} {
		if res.Claimed != nil || res.Run.Status != reeve.StatusQueued {
			f.Errorf("%s was taken: %+v", name, res)
		}
	}
	f.start("held")
	if res := take("held", agent); res.Claimed != nil {
		f.Errorf("a thread in hand was taken: %+v", res)
	}
}

func acceptNoInput(f *fixture) {
	op := acceptOn(tea)
	op.Input = nil
	run := f.do(op).Run
	f.sameJSON("input", json.RawMessage(`null`), f.run(run.ID).Input)
	f.sameJSON("content", json.RawMessage(`null`), read[reeve.MessageAdded](f, f.log(tea)[0]).Content)
}
