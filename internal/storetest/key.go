package storetest

import (
	"sync"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var keyTests = []test{
	{"the same key is the first run", keySame},
	{"the same key with another request is refused", keyReused},
	{"a key belongs to its thread", keyPerThread},
	{"no key is no identity", keyNone},
	{"the same key within one batch", keyWithinBatch},
	{"a key is answered while the thread is busy", keyWhileBusy},
	{"another owner learns nothing of a key", keyForeign},
	{"one key from 32 sides starts one run", keyRace},
}

func keyed(thread reeve.ThreadID, key, hash string) *journal.Accept {
	op := acceptOn(thread)
	op.Key, op.Hash = key, hash
	return op
}

func keySame(f *fixture) {
	first := f.do(keyed(tea, "k", "h"))
	again := f.do(keyed(tea, "k", "h"))
	if !again.Existing || len(again.Entries) != 0 {
		f.Errorf("second accept: existing %v, %d entries", again.Existing, len(again.Entries))
	}
	f.equal("run", first.Run, again.Run)
	f.claimRun(node, first.Run.ID).complete()
	take := keyed(tea, "k", "h")
	take.Take = node
	last := f.do(take)
	f.equal("run as it stands", f.run(first.Run.ID), last.Run)
	if last.Claimed != nil || last.Runnable {
		f.Errorf("an existing run that has ended: %+v", last)
	}
	f.equal("log", 4, len(f.log(tea)))
}

func keyReused(f *fixture) {
	f.do(keyed(tea, "k", "h"))
	f.refuse(keyed(tea, "k", "other"), reeve.CodeKeyReused)
}

func keyPerThread(f *fixture) {
	a, b := f.do(keyed("a", "k", "h")), f.do(keyed("b", "k", "other"))
	f.equal("runs", []reeve.RunID{"a.1", "b.1"}, []reeve.RunID{a.Run.ID, b.Run.ID})
}

func keyNone(f *fixture) {
	f.equal("run", reeve.RunID("tea.1"), f.do(keyed(tea, "", "h")).Run.ID)
	f.equal("run", reeve.RunID("tea.2"), f.do(keyed(tea, "", "h")).Run.ID)
}

func keyWithinBatch(f *fixture) {
	results := f.commit(keyed(tea, "k", "h"), keyed(tea, "k", "h"), keyed(tea, "k", "other"), keyed(tea, "l", "h"))
	f.ok(results[0].Err)
	f.ok(results[1].Err)
	f.ok(results[3].Err)
	f.hasCode(results[2].Err, reeve.CodeKeyReused)
	if results[0].Existing || !results[1].Existing {
		f.Errorf("existing: %v, %v", results[0].Existing, results[1].Existing)
	}
	f.equal("runs", []reeve.RunID{"tea.1", "tea.1", "tea.2"},
		[]reeve.RunID{results[0].Run.ID, results[1].Run.ID, results[3].Run.ID})
	f.equal("log", 4, len(f.log(tea)))
}

func keyWhileBusy(f *fixture) {
	first := f.do(keyed(tea, "k", "h"))
	for _, onBusy := range []reeve.OnBusy{reeve.Reject, reeve.Interrupt} {
		op := keyed(tea, "k", "h")
		op.OnBusy = onBusy
		if res := f.do(op); !res.Existing || res.Run.ID != first.Run.ID {
			f.Errorf("on_busy %s with a known key: %+v", onBusy, res)
		}
	}
	f.hasStatus(first.Run.ID, reeve.StatusQueued)
}

func keyForeign(f *fixture) {
	f.do(keyed(tea, "k", "h"))
	op := keyed(tea, "k", "h")
	op.Owner = "bob"
	f.refuse(op, reeve.CodeNotFound)
}

func keyRace(f *fixture) {
	var wg sync.WaitGroup
	results := make([]journal.Result, 32)
	errs := make([]error, len(results))
	for i := range results {
		wg.Go(func() {
			res, err := f.store.Commit(f.ctx, []journal.Op{keyed(tea, "k", "h")})
			if errs[i] = err; err == nil {
				results[i] = res[0]
			}
		})
	}
	wg.Wait()
	fresh := 0
	for i, res := range results {
		f.ok(errs[i])
		f.ok(res.Err)
		f.equal("run", reeve.RunID("tea.1"), res.Run.ID)
		if !res.Existing {
			fresh++
		}
	}
	f.equal("runs started", 1, fresh)
	f.equal("log", []reeve.Kind{"message.added", "run.queued"}, kinds(f.log(tea)))
}
