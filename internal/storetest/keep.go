package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var keepTests = []test{
	{"a thread made empty", createThread},
	{"a thread that is there already", createThreadTwice},
	{"paused agents", pausedAgents},
	{"deletion of a thread", deleteThread},
	{"deletion of a thread whose run has not ended", deleteUnfinished},
	{"deletion of another owner's thread", deleteForeign},
	{"a thread deleted and made again", deleteAndMakeAgain},
	{"check", checkStore},
	{"after close every method says so", afterClose},
	{"a context that has ended", endedContext},
}

func createThread(f *fixture) {
	row, err := f.store.CreateThread(f.ctx, reeve.Thread{ID: tea, Owner: ann, Title: "Tea", Metadata: json.RawMessage(`[1]`)})
	f.ok(err)
	if row.CreatedAt.IsZero() {
		f.Error("a thread without a time")
	}
	f.equal("thread", reeve.Thread{
		ID: tea, Owner: ann, Title: "Tea", Metadata: json.RawMessage(`[1]`), Epoch: row.Epoch,
		FirstSeq: 1, LastSeq: 0, CreatedAt: row.CreatedAt,
	}, row)
	got, err := f.store.Thread(f.ctx, tea)
	f.ok(err)
	f.equal("thread as it is read", row, got)
	f.equal("log", 0, len(f.log(tea)))
}

func createThreadTwice(f *fixture) {
	f.accept(tea)
	for _, owner := range []string{ann, "bob"} {
		_, err := f.store.CreateThread(f.ctx, reeve.Thread{ID: tea, Owner: owner})
		f.hasCode(err, reeve.CodeConflict)
	}
}

func pausedAgents(f *fixture) {
	paused := func(want ...string) {
		f.Helper()
		got, err := f.store.Paused(f.ctx)
		f.ok(err)
		sameSet(f, "paused", want, got)
	}
	paused()
	for _, name := range []string{"b", "a", "b"} {
		f.ok(f.store.SetPaused(f.ctx, name, true))
	}
	paused("a", "b")
	f.ok(f.store.SetPaused(f.ctx, "b", false))
	f.ok(f.store.SetPaused(f.ctx, "never", false))
	paused("a")
}

func deleteThread(f *fixture) {
	f.endedRun(tea)
	other := f.start("other")
	f.ok(f.store.DeleteThread(f.ctx, ann, tea))
	_, err := f.store.Thread(f.ctx, tea)
	f.hasCode(err, reeve.CodeNotFound)
	_, err = f.store.Run(f.ctx, "tea.1")
	f.hasCode(err, reeve.CodeNotFound)
	_, err = f.store.Entries(f.ctx, journal.EntryQuery{Thread: tea, Limit: 10})
	f.hasCode(err, reeve.CodeNotFound)
	f.equal("heads", 1, len(f.heads(tea, "other")))
	f.equal("threads", []reeve.ThreadID{"other"}, f.threadPages(journal.ThreadQuery{Owner: ann, Limit: 10}))
	f.equal("runs", []reeve.RunID{"other.1"}, f.runPages(journal.RunQuery{Owner: ann, Limit: 10}))
	f.hasCode(f.store.DeleteThread(f.ctx, ann, tea), reeve.CodeNotFound)
	other.complete()
	f.ok(f.store.DeleteThread(f.ctx, "", "other")) // "" is any owner
}

func deleteUnfinished(f *fixture) {
	run := f.accept(tea)
	refused := func() {
		f.Helper()
		f.hasCode(f.store.DeleteThread(f.ctx, ann, tea), reeve.CodeConflict)
		f.log(tea)
	}
	refused()
	o := f.claimRun(node, run.ID)
	refused()
	f.do(o.waiting(farAway()))
	refused()
	f.do(&journal.Cancel{Run: run.ID})
	f.ok(f.store.DeleteThread(f.ctx, ann, tea))
}

func deleteForeign(f *fixture) {
	f.start(tea)
	f.hasCode(f.store.DeleteThread(f.ctx, "bob", tea), reeve.CodeNotFound)
	f.hasCode(f.store.DeleteThread(f.ctx, "", "nowhere"), reeve.CodeNotFound)
}

// A client that stands at 4 in the old log must not take the new log's 5 for its next.
func deleteAndMakeAgain(f *fixture) {
	f.do(keyed(tea, "k", "h"))
	o := f.claimRun(node, "tea.1")
	o.complete()
	old := f.heads(tea)[tea]
	f.ok(f.store.DeleteThread(f.ctx, ann, tea))
	res := f.do(keyed(tea, "k", "other"))
	if res.Existing || res.Run.ID != "tea.1" {
		f.Errorf("accept after the deletion: %+v", res)
	}
	if head := f.heads(tea)[tea]; head.Epoch == old.Epoch || head.Seq != 2 {
		f.Errorf("head %v after the deletion, %v before", head, old)
	}
	f.log(tea)
	ghost := o.op(step(1))
	f.refuse(ghost, reeve.CodeFenced)
	next := f.claimRun(node, "tea.1")
	if next.Fence <= o.Fence {
		f.Errorf("fence %d after the deletion, %d before: fences only rise", next.Fence, o.Fence)
	}
	f.refuse(ghost, reeve.CodeFenced)
}

func checkStore(f *fixture) {
	info, err := f.store.Check(f.ctx)
	f.ok(err)
	if len(info) == 0 {
		f.Error("nothing for an operator to know")
	}
}

// everyMethod calls each method that can fail once and gives the errors by name.
func everyMethod(ctx context.Context, s journal.Store) map[string]error {
	errs := map[string]error{}
	_, errs["Commit"] = s.Commit(ctx, []journal.Op{acceptOn(tea)})
	_, errs["Claim"] = s.Claim(ctx, journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 1})
	_, errs["Inbox"] = s.Inbox(ctx, node)
	_, errs["Thread"] = s.Thread(ctx, tea)
	_, errs["Threads"] = s.Threads(ctx, journal.ThreadQuery{Limit: 1})
	_, errs["Run"] = s.Run(ctx, "tea.1")
	_, errs["Runs"] = s.Runs(ctx, journal.RunQuery{Limit: 1})
	_, errs["Entries"] = s.Entries(ctx, journal.EntryQuery{Thread: tea, Limit: 1})
	_, errs["Heads"] = s.Heads(ctx, []reeve.ThreadID{tea})
	errs["Join"] = s.Join(ctx, journal.Node{ID: "node-2"})
	errs["Beat"] = s.Beat(ctx, node)
	errs["Leave"] = s.Leave(ctx, node)
	_, errs["CreateThread"] = s.CreateThread(ctx, reeve.Thread{ID: "new", Owner: ann})
	errs["SetPaused"] = s.SetPaused(ctx, agent, true)
	_, errs["Paused"] = s.Paused(ctx)
	_, errs["Prune"] = s.Prune(ctx, time.Now(), 1)
	errs["DeleteThread"] = s.DeleteThread(ctx, ann, tea)
	_, errs["Check"] = s.Check(ctx)
	return errs
}

func afterClose(f *fixture) {
	f.start(tea)
	f.ok(f.store.Close())
	for name, err := range everyMethod(f.ctx, f.store) {
		if err == nil {
			f.Errorf("%s of a closed store says nothing", name)
		}
	}
	if f.ctx.Err() != nil {
		f.Error("a method of a closed store hung")
	}
	f.ok(f.store.Close()) // a second one does nothing
}

func endedContext(f *fixture) {
	f.endedRun(tea)
	before := f.log(tea)
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	for name, err := range everyMethod(ctx, f.store) {
		if !errors.Is(err, context.Canceled) {
			f.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	f.equal("log", before, f.log(tea))
	f.ok(f.store.Beat(f.ctx, node))
	f.equal("threads", []reeve.ThreadID{tea}, f.threadPages(journal.ThreadQuery{Limit: 10}))
	f.equal("claimable", []reeve.RunID{f.accept(tea).ID}, f.claimable())
}
