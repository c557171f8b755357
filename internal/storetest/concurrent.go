package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var concurrentTests = []test{
	{"16 clients and 16 workers on 8 threads", crowd},
	{"32 lanes append to 320 threads", lanes},
	{"a reader follows while others write", follow},
}

// crowd has clients that start, answer and cancel whatever they meet, and workers that
// claim, record, wait, hand over and end. Afterwards every log must be one that a single
// writer could have written, and every row must say what its log says.
func crowd(f *fixture) {
	c := &crowded{fixture: f}
	var clients, workers sync.WaitGroup
	for i := range 16 {
		clients.Go(func() { c.client(rand.New(rand.NewPCG(1, uint64(i)))) })
		workers.Go(func() { c.worker(rand.New(rand.NewPCG(2, uint64(i)))) })
	}
	clients.Wait()
	c.quiet.Store(true)
	workers.Wait()
	if f.Failed() {
		return
	}
	ended := 0
	for i := range crowdThreads {
		thread := crowdThread(i)
		log := f.log(thread)
		f.foldsTo(thread, log)
		f.ownersInTurn(log)
		for _, e := range log {
			if e.Kind.Ends() {
				ended++
			}
		}
	}
	runs := len(f.runPages(journal.RunQuery{Limit: 1000}))
	if ended != runs || runs == 0 {
		f.Errorf("%d runs, %d ends", runs, ended)
	}
}

const crowdThreads = 8

func crowdThread(i int) reeve.ThreadID { return reeve.ThreadID(fmt.Sprintf("c%d", i)) }

type crowded struct {
	*fixture
	quiet atomic.Bool // the clients have gone
}

// one hands in one op from a goroutine of its own, where only Errorf is allowed.
func (c *crowded) one(op journal.Op, allowed ...reeve.Code) (journal.Result, bool) {
	results, err := c.store.Commit(c.ctx, []journal.Op{op})
	if err != nil {
		c.Errorf("commit %T: %v", op, err)
		return journal.Result{}, false
	}
	res := results[0]
	for _, code := range allowed {
		if res.Err != nil && reeve.CodeOf(res.Err) == code {
			return res, false
		}
	}
	if res.Err != nil {
		c.Errorf("%T: %v", op, res.Err)
	}
	return res, res.Err == nil
}

func (c *crowded) client(random *rand.Rand) {
	for range 25 {
		thread := crowdThread(random.IntN(crowdThreads))
		run := reeve.MakeRunID(thread, random.Int64N(30)+1)
		switch random.IntN(4) {
		case 0:
			c.one(&journal.Cancel{Run: run}, reeve.CodeConflict, reeve.CodeNotFound)
		case 1:
			c.one(answerTo(run, "may"), reeve.CodeConflict, reeve.CodeNotFound)
		default:
			op := acceptOn(thread)
			op.OnBusy = []reeve.OnBusy{reeve.Enqueue, reeve.Enqueue, reeve.Reject, reeve.Interrupt}[random.IntN(4)]
			if random.IntN(2) == 0 {
				op.Key, op.Hash = fmt.Sprint("k", random.IntN(5)), "h"
			}
			c.one(op, reeve.CodeBusy)
		}
	}
}

// worker goes on until the clients have gone and nothing is left. Whoever lets go of a
// thread claims again afterwards, so that nothing is left behind.
func (c *crowded) worker(random *rand.Rand) {
	for c.ctx.Err() == nil {
		quiet := c.quiet.Load()
		claimed, err := c.store.Claim(c.ctx, journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 1 + random.IntN(2)})
		if err != nil {
			c.Errorf("claim: %v", err)
			return
		}
		for _, got := range claimed {
			c.work(&owner{f: c.fixture, Claimed: got, number: 1}, random)
		}
		if len(claimed) == 0 {
			if quiet {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	c.Error("a worker was never done: the store hung or a run was lost")
}

// work records a few steps, each named after the claim's fence, and lets go in one of the ways there are.
func (c *crowded) work(o *owner, random *rand.Rand) {
	for n := range random.IntN(4) {
		op := o.op(step(2*n+1), step(2*n+2))
		for i := range op.Entries {
			op.Entries[i].Scope = strconv.FormatInt(o.Fence, 10)
			op.Entries[i].N = int(op.Number) + i
		}
		first, ok := c.one(op)
		if !ok {
			return
		}
		if again, ok := c.one(op); ok && fmt.Sprint(seqs(again.Entries)) != fmt.Sprint(seqs(first.Entries)) {
			c.Errorf("resent: %v, first: %v", seqs(again.Entries), seqs(first.Entries))
		}
	}
	switch random.IntN(5) {
	case 0:
		c.one(o.op(journal.Draft{Kind: reeve.KindAskOpened, Path: "may", Data: json.RawMessage(`{"text":"may I?"}`)}))
		c.one(o.waiting(time.Now()))
	case 1:
		c.one(o.handing())
	case 2:
		c.one(o.failure())
	default:
		c.one(o.completion())
	}
}

// ownersInTurn wants each claim's steps to be whole and in order, and no older claim's after a newer one's.
func (f *fixture) ownersInTurn(log []reeve.Entry) {
	f.Helper()
	fence, next := int64(0), 1
	for _, e := range log {
		if e.Kind != reeve.KindStepCompleted {
			continue
		}
		var own int64
		if _, err := fmt.Sscan(e.Scope, &own); err != nil {
			f.Fatal(err)
		}
		if own < fence {
			f.Fatalf("entry %d of claim %d after one of claim %d", e.Seq, own, fence)
		}
		if own > fence {
			fence, next = own, 1
		}
		if e.N != next {
			f.Fatalf("entry %d: number %d of claim %d where %d is next", e.Seq, e.N, own, next)
		}
		next++
	}
}

// lanes commit batches over threads of their own at the same time.
func lanes(f *fixture) {
	const lanes, threads, steps = 32, 10, 5
	owners := make([][]*owner, lanes)
	for l := range lanes {
		for i := range threads {
			owners[l] = append(owners[l], f.start(reeve.ThreadID(fmt.Sprintf("l%d-%d", l, i))))
		}
	}
	var wg sync.WaitGroup
	for l := range lanes {
		wg.Go(func() {
			for n := range steps {
				var batch []journal.Op
				for _, o := range owners[l] {
					batch = append(batch, o.op(step(n+1)))
				}
				results, err := f.store.Commit(f.ctx, batch)
				if err != nil {
					f.Errorf("commit: %v", err)
					return
				}
				for i, res := range results {
					if res.Err != nil || len(res.Entries) != 1 || res.Entries[0].Seq != int64(4+n) {
						f.Errorf("lane %d, thread %d, step %d: %+v", l, i, n, res)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, list := range owners {
		for _, o := range list {
			f.equal("entries", 3+steps, len(f.log(o.Run.Thread)))
		}
	}
}

// follow reads on from its position while two sides write: no hole, no repeat, nothing torn.
func follow(f *fixture) {
	o := f.start(tea)
	const steps = 200
	var writers sync.WaitGroup
	defer writers.Wait() // also when a reading is wrong
	writers.Go(func() {
		for n := range steps {
			if _, err := f.store.Commit(f.ctx, []journal.Op{o.op(step(2*n+1), step(2*n+2))}); err != nil {
				f.Errorf("commit: %v", err)
			}
		}
	})
	writers.Go(func() {
		for range steps {
			if _, err := f.store.Commit(f.ctx, []journal.Op{acceptOn(tea)}); err != nil {
				f.Errorf("commit: %v", err)
			}
		}
	})
	at := int64(0)
	for at < 3+4*steps && f.ctx.Err() == nil {
		page, err := f.store.Entries(f.ctx, journal.EntryQuery{Thread: tea, After: at, Limit: 50})
		f.ok(err)
		// Each commit writes two entries: a position in the middle of one would be torn.
		if len(page) > 0 && len(page) < 50 && at+int64(len(page)) > 3 && (at+int64(len(page)))%2 == 0 {
			f.Errorf("a reading ended at %d, in the middle of a commit", at+int64(len(page)))
		}
		for _, e := range page {
			if e.Seq != at+1 {
				f.Fatalf("entry %d after %d", e.Seq, at)
			}
			at = e.Seq
		}
	}
	writers.Wait()
	f.equal("entries", at, int64(len(f.log(tea))))
}
