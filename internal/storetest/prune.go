package storetest

import (
	"fmt"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var pruneTests = []test{
	{"old ended runs go, whole", pruneWhole},
	{"young runs stay", pruneYoung},
	{"never beyond a run that has not ended", pruneUnfinished},
	{"runs that lie in one another go together", pruneInterleaved},
	{"no more than the limit", pruneLimit},
	{"positions go on after everything went", pruneAll},
	{"a key goes with its run", pruneKey},
	{"a retried run is not old", pruneRetried},
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

func (f *fixture) prune(before time.Time, limit int) int {
	f.Helper()
	n, err := f.store.Prune(f.ctx, before, limit)
	f.ok(err)
	return n
}

// endedRun makes a run of four entries that has ended.
func (f *fixture) endedRun(thread reeve.ThreadID) *owner {
	f.Helper()
	o := f.start(thread)
	o.complete()
	return o
}

// prunedTo wants the thread's log to begin there.
func (f *fixture) prunedTo(thread reeve.ThreadID, first int64) {
	f.Helper()
	row, err := f.store.Thread(f.ctx, thread)
	f.ok(err)
	f.equal("first position", first, row.FirstSeq)
	f.equal("entries left", int(row.LastSeq-first+1), len(f.log(thread)))
}

func pruneWhole(f *fixture) {
	first, second := f.endedRun(tea), f.endedRun(tea)
	last := f.start(tea)
	before := f.log(tea)
	f.equal("pruned", 2, f.prune(inAnHour(), 100))
	f.prunedTo(tea, 9)
	f.equal("what is left", before[8:], f.log(tea))
	for _, gone := range []reeve.RunID{first.Run.ID, second.Run.ID} {
		_, err := f.store.Run(f.ctx, gone)
		f.hasCode(err, reeve.CodeNotFound)
	}
	f.equal("runs left", []reeve.RunID{last.Run.ID}, f.runPages(journal.RunQuery{Limit: 10}))
	f.equal("runs left of the thread", []reeve.RunID{last.Run.ID}, f.runPages(journal.RunQuery{Thread: tea, Limit: 10}))
	f.equal("entries from before", before[8:], f.entries(journal.EntryQuery{Thread: tea, After: 2, Limit: 100}))
	f.equal("entries of the run", before[8:], f.entries(journal.EntryQuery{Thread: tea, Run: last.Run.ID, Limit: 100}))
	last.steps(2)
	last.complete()
	f.equal("pruned again", 1, f.prune(inAnHour(), 100))
	f.equal("next run", reeve.RunID("tea.4"), f.accept(tea).ID)
}

func pruneYoung(f *fixture) {
	f.endedRun(tea)
	f.equal("pruned", 0, f.prune(time.Now().Add(-time.Hour), 100))
	f.prunedTo(tea, 1)
	_, err := f.store.Prune(f.ctx, inAnHour(), 0)
	f.hasCode(err, reeve.CodeInvalid)
}

func pruneUnfinished(f *fixture) {
	unfinished := map[reeve.ThreadID]func(){
		"queued":  func() { f.accept("queued") },
		"running": func() { f.start("running") },
		"waiting": func() {
			o := f.start("waiting")
			f.do(o.waiting(farAway()))
		},
	}
	for thread, start := range unfinished {
		f.endedRun(thread)
		start()
		if thread == "running" { // behind it, an ended one
			f.do(&journal.Cancel{Run: f.accept(thread).ID})
		}
	}
	f.equal("pruned", 3, f.prune(inAnHour(), 100))
	for thread := range unfinished {
		f.prunedTo(thread, 5)
		f.equal("first entry left", reeve.MakeRunID(thread, 2), f.log(thread)[0].Run)
	}
	f.equal("pruned again", 0, f.prune(inAnHour(), 100))
}

// The second run was queued while the first ran: their entries cannot be parted.
func pruneInterleaved(f *fixture) {
	first := f.start(tea)
	second := f.accept(tea)
	first.steps(1)
	first.complete()
	f.equal("pruned while the second is queued", 0, f.prune(inAnHour(), 100))
	f.prunedTo(tea, 1)
	f.claimRun(node, second.ID).complete()
	f.equal("pruned after both ended", 2, f.prune(inAnHour(), 100))
	f.prunedTo(tea, 10)
}

func pruneLimit(f *fixture) {
	for i := range 30 {
		f.endedRun(reeve.ThreadID(fmt.Sprintf("t%d", i%6)))
	}
	sum := 0
	for range 30 {
		n := f.prune(inAnHour(), 4)
		if n > 4 {
			f.Fatalf("pruned %d runs with a limit of 4", n)
		}
		sum += n
	}
	f.equal("pruned in all", 30, sum)
}

func pruneAll(f *fixture) {
	f.endedRun(tea)
	f.equal("pruned", 1, f.prune(inAnHour(), 100))
	f.prunedTo(tea, 5)
	f.equal("head", int64(4), f.heads(tea)[tea].Seq)
	run := f.accept(tea)
	f.equal("next run", reeve.RunID("tea.2"), run.ID)
	f.equal("its first position", int64(5), run.FirstSeq)
	f.log(tea)
}

func pruneKey(f *fixture) {
	first := f.do(keyed(tea, "k", "h")).Run
	f.claimRun(node, first.ID).complete()
	f.equal("pruned", 1, f.prune(inAnHour(), 100))
	if again := f.do(keyed(tea, "k", "other")); again.Existing || again.Run.ID != "tea.2" {
		f.Errorf("the key after its run went: %+v", again)
	}
}

func pruneRetried(f *fixture) {
	o := f.start(tea)
	o.fail()
	f.do(&journal.Retry{Run: o.Run.ID})
	f.equal("pruned", 0, f.prune(inAnHour(), 100))
	f.claimRun(node, o.Run.ID).complete()
	f.equal("pruned after its end", 1, f.prune(inAnHour(), 100))
}
