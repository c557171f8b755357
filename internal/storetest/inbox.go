package storetest

import (
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var inboxTests = []test{
	{"every writer from outside marks the thread", inboxWriters},
	{"a look clears the marks", inboxCleared},
	{"an owner's own appends mark nothing", inboxOwn},
	{"a claim begins without a mark", inboxAfterClaim},
	{"a refused op marks nothing", inboxRefused},
}

// inbox names the node's marked threads, sorted, and clears their marks.
func (f *fixture) inbox() []reeve.ThreadID {
	f.Helper()
	ids, err := f.store.Inbox(f.ctx, node)
	f.ok(err)
	slices.Sort(ids)
	return ids
}

func inboxWriters(f *fixture) {
	failed := f.start("retry")
	failed.fail()
	for _, thread := range []reeve.ThreadID{"accept", "answer", "cancel", "retry", "quiet"} {
		o := f.start(thread)
		o.ask("may")
	}
	f.do(acceptOn("accept"))
	f.do(answerTo("answer.1", "may"))
	f.do(&journal.Cancel{Run: "cancel.1"})
	f.do(&journal.Retry{Run: failed.Run.ID})
	f.equal("inbox", []reeve.ThreadID{"accept", "answer", "cancel", "retry"}, f.inbox())
}

func inboxCleared(f *fixture) {
	o := f.start(tea)
	f.accept(tea)
	f.accept(tea)
	f.equal("inbox", []reeve.ThreadID{tea}, f.inbox())
	f.equal("inbox", []reeve.ThreadID{}, f.inbox())
	f.do(&journal.Cancel{Run: o.Run.ID})
	f.equal("inbox", []reeve.ThreadID{tea}, f.inbox())
}

func inboxOwn(f *fixture) {
	o := f.start(tea)
	o.steps(3)
	o.complete()
	f.equal("inbox", []reeve.ThreadID{}, f.inbox())
}

// What was written before the claim is in the log that the claimer reads.
func inboxAfterClaim(f *fixture) {
	o := f.start(tea)
	f.accept(tea)
	f.do(o.handing())
	f.claimRun(node, o.Run.ID)
	f.equal("inbox", []reeve.ThreadID{}, f.inbox())
}

func inboxRefused(f *fixture) {
	o := f.start(tea)
	op := acceptOn(tea)
	op.OnBusy = reeve.Reject
	f.refuse(op, reeve.CodeBusy)
	f.refuse(answerTo(o.Run.ID, "may"), reeve.CodeConflict)
	f.equal("inbox", []reeve.ThreadID{}, f.inbox())
}
