package storetest

import (
	"fmt"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var nodeTests = []test{
	{"a node beats until it leaves", nodeBeats},
	{"join says who is dead", nodeJoin},
	{"a dead node's running run is taken over", takeover},
	{"a dead node's waiting run is resumed", takeoverWaiting},
	{"a thread let go before the death is no takeover", takeoverAfterRelease},
	{"a death frees every thread at once", takeoverMany},
	{"strikes count takeovers in a row", strikes},
	{"progress clears the strikes", strikesCleared},
	{"a dead node claims nothing", deadClaimsNothing},
	{"leaving without having joined", leaveUnknown},
}

func nodeBeats(f *fixture) {
	f.ok(f.store.Beat(f.ctx, node))
	f.ok(f.store.Beat(f.ctx, node))
	f.die(node)
	f.hasCode(f.store.Beat(f.ctx, node), reeve.CodeFenced)
	f.hasCode(f.store.Beat(f.ctx, "stranger"), reeve.CodeFenced)
}

// A store that one process holds has one node: who joins is alone. Otherwise both live.
func nodeJoin(f *fixture) {
	o := f.start(tea)
	f.join("node-2")
	f.ok(f.store.Beat(f.ctx, "node-2"))
	if f.shared {
		f.ok(f.store.Beat(f.ctx, node))
		f.equal("claimable", 0, len(f.claim(journal.ClaimQuery{Node: "node-2", Agents: []string{agent}, Limit: 1})))
		return
	}
	f.hasCode(f.store.Beat(f.ctx, node), reeve.CodeFenced)
	f.claimRun("node-2", o.Run.ID)
}

func takeover(f *fixture) {
	o := f.start(tea)
	o.steps(2)
	f.die(node)
	f.join("node-2")
	next := f.claimRun("node-2", o.Run.ID)
	if next.Run.Attempt != 2 || next.Strikes != 1 || !next.Replay || next.Fence <= o.Fence {
		f.Errorf("claimed after a death: %+v", next.Claimed)
	}
	f.equal("kinds", []reeve.Kind{"run.started"}, kinds(next.Entries))
	f.equal("run.started", reeve.RunStarted{Attempt: 2}, read[reeve.RunStarted](f, next.Entries[0]))
	f.equal("attempt of the entry", 2, next.Entries[0].Attempt)
	f.refuse(o.op(step(3)), reeve.CodeFenced)
	run := f.run(o.Run.ID)
	f.equal("run", next.Run, run)
	if !run.StartedAt.Equal(*o.Run.StartedAt) {
		f.Errorf("started at %v, and after the takeover at %v", o.Run.StartedAt, run.StartedAt)
	}
	next.complete()
}

func takeoverWaiting(f *fixture) {
	o := f.start(tea)
	f.do(o.change(reeve.KindRunWaiting, journal.Change{Status: reeve.StatusWaiting}))
	f.die(node)
	f.join("node-2")
	next := f.claimRun("node-2", o.Run.ID)
	if next.Run.Attempt != 1 || next.Strikes != 0 {
		f.Errorf("claimed after a death while waiting: %+v", next.Claimed)
	}
	f.equal("entries", []reeve.Kind{"run.resumed"}, kinds(next.Entries))
}

func takeoverAfterRelease(f *fixture) {
	handed, waiting := f.start("handed"), f.start("waiting")
	f.do(handed.handing())
	f.do(waiting.waiting(time.Now()))
	f.die(node)
	f.join("node-2")
	for _, run := range []reeve.RunID{handed.Run.ID, waiting.Run.ID} {
		next := f.claimRun("node-2", run)
		f.equal("attempt", 1, next.Run.Attempt)
		f.equal("entries", []reeve.Kind{"run.resumed"}, kinds(next.Entries))
	}
}

func takeoverMany(f *fixture) {
	const threads = 30
	for i := range threads {
		o := f.start(reeve.ThreadID(fmt.Sprintf("t%d", i)))
		f.accept(o.Run.Thread) // one behind it, which must wait
	}
	f.die(node)
	f.join("node-2")
	claimed := f.claim(journal.ClaimQuery{Node: "node-2", Agents: []string{agent}, Limit: 1000})
	f.equal("taken over", threads, len(claimed))
	for _, c := range claimed {
		if c.Run.ID.N() != 1 || c.Run.Attempt != 2 {
			f.Errorf("claimed run %s, attempt %d", c.Run.ID, c.Run.Attempt)
		}
	}
}

// dieAndTakeOver has the run's node die and another take it.
func (f *fixture) dieAndTakeOver(n int, run reeve.RunID) *owner {
	f.Helper()
	if n == 1 {
		f.die(node)
	}
	f.die(reeve.NodeID(fmt.Sprintf("heir-%d", n-1)))
	heir := reeve.NodeID(fmt.Sprintf("heir-%d", n))
	f.join(heir)
	return f.claimRun(heir, run)
}

func strikes(f *fixture) {
	o := f.start(tea)
	for n := 1; n <= 5; n++ {
		o = f.dieAndTakeOver(n, o.Run.ID)
		f.equal("strikes and attempt", []int{n, n + 1}, []int{o.Strikes, o.Run.Attempt})
		f.do(o.op(step(n))) // recorded, but not said to be progress
	}
}

func strikesCleared(f *fixture) {
	o := f.start(tea)
	o = f.dieAndTakeOver(1, o.Run.ID)
	o = f.dieAndTakeOver(2, o.Run.ID)
	f.equal("strikes", 2, o.Strikes)
	op := o.op(step(1))
	op.Progress = true
	f.do(op)
	o = f.dieAndTakeOver(3, o.Run.ID)
	f.equal("strikes after progress", 1, o.Strikes)
	f.equal("attempt", 4, o.Run.Attempt)
	f.do(o.handing())
	o = f.claimRun("heir-3", o.Run.ID)
	f.equal("strikes after a hand-over", 1, o.Strikes)
}

func deadClaimsNothing(f *fixture) {
	run := f.accept(tea)
	f.die(node)
	_, err := f.store.Claim(f.ctx, journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 1})
	f.hasCode(err, reeve.CodeFenced)
	op := acceptOn("other")
	op.Take = node
	if res := f.do(op); res.Claimed != nil {
		f.Error("a dead node took a thread")
	}
	f.hasStatus(run.ID, reeve.StatusQueued)
}

func leaveUnknown(f *fixture) {
	f.ok(f.store.Leave(f.ctx, "stranger"))
}
