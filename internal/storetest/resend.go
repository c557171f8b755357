package storetest

import (
	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var resendTests = []test{
	{"what landed is answered with its positions", resendLanded},
	{"what did not land is written", resendNotLanded},
	{"positions hold when others wrote in between", resendBetweenOthers},
	{"a refused part is refused again", resendRefused},
	{"a ghost that lands late writes nothing", ghost},
	{"only what follows the acknowledged is written", resendPartly},
	{"an end that landed is answered again", resendEnd},
	{"numbers begin anew with each claim", numbersPerClaim},
	{"a ghost of an earlier claim is fenced", ghostOfEarlierClaim},
}

func resendLanded(f *fixture) {
	o := f.start(tea)
	o.steps(2)
	batch := []journal.Op{o.op(step(3), step(4)), o.op(step(5))}
	first := f.commit(batch...)
	before := f.log(tea)
	again := f.commit(batch...)
	for i := range batch {
		f.ok(again[i].Err)
		f.equal("positions of a resend", seqs(first[i].Entries), seqs(again[i].Entries))
	}
	f.equal("log after a resend", before, f.log(tea))
}

// The answer and the batch were lost: nothing had landed.
func resendNotLanded(f *fixture) {
	o := f.start(tea)
	lost := o.op(step(1))
	res := f.do(lost)
	f.equal("positions", []int64{4}, seqs(res.Entries))
}

func resendBetweenOthers(f *fixture) {
	o := f.start(tea)
	accept := acceptOn(tea)
	accept.Key = "once"
	batch := []journal.Op{o.op(step(1), step(2)), accept, o.op(step(3)), &journal.Cancel{Run: o.Run.ID}, o.op(step(4))}
	first := f.commit(batch...)
	f.do(o.op(step(5)))
	before := f.log(tea)
	again := f.commit(batch...)
	for _, i := range []int{0, 2, 4} {
		f.ok(again[i].Err)
		f.equal("positions of a resend", seqs(first[i].Entries), seqs(again[i].Entries))
	}
	if !again[1].Existing || again[1].Run.ID != first[1].Run.ID {
		f.Errorf("resent accept: existing %v, run %s, want %s", again[1].Existing, again[1].Run.ID, first[1].Run.ID)
	}
	f.ok(again[3].Err)
	f.equal("log after a resend", before, f.log(tea))
}

func resendRefused(f *fixture) {
	o := f.start(tea)
	refused := o.op(step(2))
	refused.Change = &journal.Change{Run: o.Run.ID, Status: reeve.StatusWaiting, Release: true, IfLastSeq: 1}
	batch := []journal.Op{refused, o.op(step(3))}
	first := f.commit(batch...)
	f.hasCode(first[0].Err, reeve.CodeConflict)
	f.ok(first[1].Err)
	again := f.commit(batch...)
	f.hasCode(again[0].Err, reeve.CodeConflict)
	f.equal("positions of a resend", seqs(first[1].Entries), seqs(again[1].Entries))
	f.equal("log", 4, len(f.log(tea)))
}

// A batch hung in a broken connection; the lane handed it in again and went on; then the first arrives.
func ghost(f *fixture) {
	o := f.start(tea)
	lost := o.op(step(1))
	f.do(lost)
	o.steps(5)
	before := f.log(tea)
	res := f.do(lost)
	f.equal("positions", []int64{4}, seqs(res.Entries))
	f.equal("log after a ghost", before, f.log(tea))
}

func resendPartly(f *fixture) {
	o := f.start(tea)
	first := o.op(step(1), step(2))
	f.do(first)
	more := *first
	more.Entries = []journal.Draft{first.Entries[0], first.Entries[1], step(3)}
	more.Entries[2].Run = o.Run.ID
	res := f.do(&more)
	f.equal("positions", []int64{4, 5, 6}, seqs(res.Entries))
	f.equal("log", 6, len(f.log(tea)))
}

func resendEnd(f *fixture) {
	o := f.start(tea)
	end := o.completion()
	end.Change.IfLastSeq = o.LastSeq
	first := f.do(end)
	before := f.run(o.Run.ID)
	again := f.do(end)
	f.equal("positions", seqs(first.Entries), seqs(again.Entries))
	f.equal("run", before, f.run(o.Run.ID))
	f.hasStatus(o.Run.ID, reeve.StatusCompleted)
}

func numbersPerClaim(f *fixture) {
	o := f.start(tea)
	o.steps(3)
	f.do(o.handing())
	next := f.claimRun(node, o.Run.ID)
	res := f.do(next.op(step(4)))
	f.equal("positions", []int64{next.LastSeq + 1}, seqs(res.Entries))
}

func ghostOfEarlierClaim(f *fixture) {
	o := f.start(tea)
	op := o.op(step(1))
	f.do(op)
	f.do(o.handing())
	f.claimRun(node, o.Run.ID)
	f.refuse(op, reeve.CodeFenced)
}
