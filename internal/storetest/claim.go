package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var claimTests = []test{
	{"a first start", claimFirst},
	{"the longest due first", claimOldest},
	{"a thread keeps its place when it is written to", claimKeepsPlace},
	{"at most the limit", claimLimit},
	{"a limit out of range", claimBadLimit},
	{"only agents that the node has", claimAgents},
	{"paused agents are passed over", claimPaused},
	{"owners at their limit are passed over", claimExcept},
	{"one run only", claimOneRun},
	{"nothing in hand is given again", claimHeld},
	{"the next queued run after the end", claimNext},
	{"the thread as it was at the first start", claimInputSeq},
	{"the fence rises with each claim", claimFence},
	{"an idle store", claimNothing},
	{"8 claimers get each thread once", claimRace},
}

func claimFirst(f *fixture) {
	run := f.accept(tea)
	claimed := f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 10})
	if len(claimed) != 1 {
		f.Fatalf("claimed %v", claimed)
	}
	c := claimed[0]
	log := f.log(tea)
	f.equal("kinds", []reeve.Kind{"message.added", "run.queued", "run.started"}, kinds(log))
	f.equal("entries", log[2:], c.Entries)
	f.equal("run.started", reeve.RunStarted{Attempt: 1}, read[reeve.RunStarted](f, log[2]))
	started := log[2].At
	run.Status, run.Attempt, run.StartedAt = reeve.StatusRunning, 1, &started
	f.equal("run", run, c.Run)
	f.equal("run as it is read", run, f.run(run.ID))
	if c.Epoch != log[0].Epoch || c.LastSeq != 3 || c.Strikes != 0 || c.Replay || c.Owner != ann || log[2].Attempt != 1 {
		f.Errorf("claimed %+v", c)
	}
}

func claimOldest(f *fixture) {
	var want []reeve.RunID
	for i := range 12 {
		// Names that do not sort in the order of their making.
		want = append(want, f.accept(reeve.ThreadID(fmt.Sprintf("t%d", i*7%12))).ID)
		time.Sleep(2 * time.Millisecond) // the clock of a store may be coarse
	}
	var got []reeve.RunID
	for range 4 {
		got = append(got, runIDs(f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 3}))...)
	}
	f.equal("order", want, got)
}

func claimKeepsPlace(f *fixture) {
	for _, thread := range []reeve.ThreadID{"z", "a"} {
		f.accept(thread)
		time.Sleep(2 * time.Millisecond)
	}
	f.accept("z")
	f.equal("first", []reeve.RunID{"z.1"}, runIDs(f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 1})))
}

func claimLimit(f *fixture) {
	for i := range 25 {
		f.accept(reeve.ThreadID(fmt.Sprintf("t%d", i)))
	}
	var sizes []int
	for range 4 {
		sizes = append(sizes, len(f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 10})))
	}
	f.equal("sizes", []int{10, 10, 5, 0}, sizes)
}

func claimBadLimit(f *fixture) {
	for _, limit := range []int{-1, 0, 1001} {
		_, err := f.store.Claim(f.ctx, journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: limit})
		f.hasCode(err, reeve.CodeInvalid)
	}
}

func claimAgents(f *fixture) {
	for _, name := range []string{"echo", "sleep", "review"} {
		op := acceptOn(reeve.ThreadID("on-" + name))
		op.Agent = name
		f.do(op)
	}
	claim := func(agents ...string) []reeve.RunID {
		f.Helper()
		ids := runIDs(f.claim(journal.ClaimQuery{Node: node, Agents: agents, Limit: 10}))
		slices.Sort(ids)
		return ids
	}
	f.equal("no agents", []reeve.RunID{}, claim())
	f.equal("another agent", []reeve.RunID{}, claim("other"))
	f.equal("two agents", []reeve.RunID{"on-echo.1", "on-review.1"}, claim("review", "other", "echo", "echo"))
	// The agent of the run whose turn it is decides, not that of a later one.
	op := acceptOn("on-sleep")
	f.do(op)
	f.equal("a later run's agent", []reeve.RunID{}, claim("echo"))
	f.equal("the rest", []reeve.RunID{"on-sleep.1"}, claim("sleep"))
}

func claimPaused(f *fixture) {
	run := f.accept(tea)
	f.ok(f.store.SetPaused(f.ctx, agent, true))
	f.equal("claimable while paused", []reeve.RunID{}, f.claimable())
	f.equal("one run while paused", 0, len(f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Run: run.ID, Limit: 1})))
	f.ok(f.store.SetPaused(f.ctx, agent, false))
	f.equal("claimable", []reeve.RunID{run.ID}, f.claimable())
}

func claimExcept(f *fixture) {
	for i := range 9 {
		op := acceptOn(reeve.ThreadID(fmt.Sprintf("t%d", i)))
		op.Owner = []string{"ann", "bob", "cem"}[i%3]
		f.do(op)
		time.Sleep(2 * time.Millisecond)
	}
	q := journal.ClaimQuery{Node: node, Agents: []string{agent}, Except: []string{"ann", "cem"}, Limit: 2}
	f.equal("first", []reeve.RunID{"t1.1", "t4.1"}, runIDs(f.claim(q)))
	f.equal("second", []reeve.RunID{"t7.1"}, runIDs(f.claim(q)))
	f.equal("third", []reeve.RunID{}, runIDs(f.claim(q)))
	f.equal("those passed over kept their place", []reeve.RunID{"t0.1", "t2.1", "t3.1", "t5.1", "t6.1", "t8.1"}, f.claimable())
}

func claimOneRun(f *fixture) {
	f.accept("a")
	b := f.accept("b")
	behind := f.accept("b")
	q := journal.ClaimQuery{Node: node, Agents: []string{agent}, Run: behind.ID, Limit: 10}
	f.equal("a run whose turn has not come", []reeve.RunID{}, runIDs(f.claim(q)))
	q.Run = "nowhere.1"
	f.equal("a run that is not there", []reeve.RunID{}, runIDs(f.claim(q)))
	q.Run = b.ID
	f.equal("the run", []reeve.RunID{b.ID}, runIDs(f.claim(q)))
	f.equal("the run again", []reeve.RunID{}, runIDs(f.claim(q)))
	f.equal("the others", []reeve.RunID{"a.1"}, f.claimable())
}

func claimHeld(f *fixture) {
	o := f.start(tea)
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	f.accept(tea)
	f.do(&journal.Cancel{Run: o.Run.ID})
	f.equal("claimable after writers", []reeve.RunID{}, f.claimable())
}

func claimNext(f *fixture) {
	for range 5 {
		f.accept(tea)
	}
	for n := range int64(5) {
		claimed := f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 10})
		f.equal("claimed", []reeve.RunID{reeve.MakeRunID(tea, n+1)}, runIDs(claimed))
		o := &owner{f: f, Claimed: claimed[0], number: 1}
		if res := o.complete(); res.Runnable != (n < 4) {
			f.Errorf("end of run %d: runnable %v", n+1, res.Runnable)
		}
	}
}

func claimInputSeq(f *fixture) {
	o := f.start(tea)
	second := f.accept(tea)
	o.complete()
	next := f.claimRun(node, second.ID)
	at := next.LastSeq // of run.started
	if next.InputSeq != at && next.InputSeq != at-1 {
		f.Fatalf("first started at %d, but sees the thread up to %d", at, next.InputSeq)
	}
	f.accept(tea)
	f.do(next.handing())
	f.equal("after a hand-over", next.InputSeq, f.claimRun(node, second.ID).InputSeq)
	f.die(node)
	f.join("node-2")
	f.equal("after a death", next.InputSeq, f.claimRun("node-2", second.ID).InputSeq)
}

func claimFence(f *fixture) {
	last := int64(0)
	rises := func(o *owner) *owner {
		f.Helper()
		if o.Fence <= last {
			f.Fatalf("fence %d after %d", o.Fence, last)
		}
		last = o.Fence
		return o
	}
	o := rises(f.start(tea))
	f.do(o.handing())
	o = rises(f.claimRun(node, o.Run.ID))
	f.do(o.waiting(time.Now()))
	o = rises(f.claimRun(node, o.Run.ID))
	o.fail()
	f.do(&journal.Retry{Run: o.Run.ID})
	o = rises(f.claimRun(node, o.Run.ID))
	o.complete()
	rises(f.start(tea))
}

func claimNothing(f *fixture) {
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	_, err := f.store.CreateThread(f.ctx, reeve.Thread{ID: tea, Owner: ann})
	f.ok(err)
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	_, err = f.store.Claim(f.ctx, journal.ClaimQuery{Node: "stranger", Agents: []string{agent}, Limit: 1})
	f.hasCode(err, reeve.CodeFenced)
}

func claimRace(f *fixture) {
	const threads = 60
	for i := range threads {
		f.accept(reeve.ThreadID(fmt.Sprintf("t%d", i)))
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	times := map[reeve.RunID]int{}
	for range 8 {
		wg.Go(func() {
			for {
				claimed, err := f.store.Claim(f.ctx, journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 3})
				if err != nil {
					f.Errorf("claim: %v", err)
				}
				if len(claimed) == 0 {
					return
				}
				mu.Lock()
				for _, c := range claimed {
					times[c.Run.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(times) != threads {
		f.Errorf("%d threads claimed of %d", len(times), threads)
	}
	for run, n := range times {
		if n != 1 {
			f.Errorf("run %s was claimed %d times", run, n)
		}
	}
}
