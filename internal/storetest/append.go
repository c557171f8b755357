package storetest

import (
	"fmt"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var appendTests = []test{
	{"refusal is for one", refusalForOne},
	{"another fence is refused", otherFenceRefused},
	{"a thread that is not there is fenced", missingThreadFenced},
	{"a thread that was let go is fenced", letGoFenced},
	{"an append without entries is refused", emptyAppendRefused},
	{"numbers may have gaps", numberGaps},
	{"a refused append leaves no trace", refusedLeavesNoTrace},
	{"the node declared dead may append until somebody claims", deadMayAppend},
}

// One hundred threads in one batch, one of them with a stale fence: ninety-nine are written.
func refusalForOne(f *fixture) {
	var batch []journal.Op
	const stale = 37
	for i := range 100 {
		o := f.start(reeve.ThreadID(fmt.Sprintf("t-%02d", i)))
		op := o.op(step(1), step(2))
		if i == stale {
			op.Fence--
		}
		batch = append(batch, op)
	}
	for i, res := range f.commit(batch...) {
		thread := batch[i].On()
		if i == stale {
			f.hasCode(res.Err, reeve.CodeFenced)
			f.equal("refused thread's log", []reeve.Kind{"message.added", "run.queued", "run.started"}, kinds(f.log(thread)))
			continue
		}
		f.ok(res.Err)
		f.equal("positions", []int64{4, 5}, seqs(res.Entries))
		f.equal("written", res.Entries, f.log(thread)[3:])
	}
}

func otherFenceRefused(f *fixture) {
	o := f.start(tea)
	for _, fence := range []int64{o.Fence - 1, o.Fence + 1, 0, -1} {
		if fence != o.Fence {
			op := o.op(step(1))
			op.Fence = fence
			f.refuse(op, reeve.CodeFenced)
		}
	}
	f.do(o.op(step(1)))
}

func missingThreadFenced(f *fixture) {
	f.hasCode(f.commit(&journal.Append{Thread: "nowhere", Fence: 1, Number: 1, Entries: []journal.Draft{step(1)}})[0].Err, reeve.CodeFenced)
}

func letGoFenced(f *fixture) {
	o := f.start(tea)
	o.complete()
	f.refuse(o.op(step(1)), reeve.CodeFenced)

	queued := f.start("queued-behind")
	f.accept("queued-behind")
	queued.complete()
	f.refuse(queued.op(step(1)), reeve.CodeFenced)
}

func emptyAppendRefused(f *fixture) {
	o := f.start(tea)
	f.refuse(o.op(), reeve.CodeInvalid)
	f.refuse(&journal.Append{
		Thread: tea, Fence: o.Fence, Number: 1,
		Change: &journal.Change{Run: o.Run.ID, Status: reeve.StatusCompleted},
	}, reeve.CodeInvalid)
	f.refuse(&journal.Append{Thread: tea, Fence: o.Fence, Number: 0, Entries: []journal.Draft{step(1)}}, reeve.CodeInvalid)
}

func numberGaps(f *fixture) {
	o := f.start(tea)
	f.do(o.op(step(1)))
	o.op(step(2), step(3)) // numbered, but the database refused a value in it
	res := f.do(o.op(step(4)))
	f.equal("positions", []int64{5}, seqs(res.Entries))
	f.equal("log", 5, len(f.log(tea)))
}

func refusedLeavesNoTrace(f *fixture) {
	o := f.start(tea)
	o.op(step(1)) // its number is left out
	bad := o.completion()
	bad.Change.IfLastSeq = 1
	before := f.run(o.Run.ID)
	results := f.commit(bad, o.op(step(2)))
	f.hasCode(results[0].Err, reeve.CodeConflict)
	f.ok(results[1].Err)
	f.equal("run", before, f.run(o.Run.ID))
	f.equal("positions", []int64{4}, seqs(results[1].Entries))
}

// The fence decides, not the list of nodes: what was done is recorded as long as nobody
// else began to do it.
func deadMayAppend(f *fixture) {
	o := f.start(tea)
	f.die(node)
	f.join("node-2")
	f.do(o.op(step(1)))
	next := f.claimRun("node-2", o.Run.ID)
	f.refuse(o.op(step(2)), reeve.CodeFenced)
	f.do(next.op(step(2)))
}
