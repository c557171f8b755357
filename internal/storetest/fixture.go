package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// What tests use where it does not matter what it is.
const (
	node  reeve.NodeID   = "node-1"
	tea   reeve.ThreadID = "tea"
	agent                = "echo"
	ann                  = "ann"
)

var input = json.RawMessage(`{"text":"hi"}`)

// fixture is a test with its own store, in which node has joined.
type fixture struct {
	*testing.T
	store  journal.Store
	ctx    context.Context
	shared bool
}

func (f *fixture) join(id reeve.NodeID) {
	f.Helper()
	f.ok(f.store.Join(f.ctx, journal.Node{ID: id, Address: "127.0.0.1:8000", Version: "test"}))
}

// die takes the node out with all it holds.
func (f *fixture) die(id reeve.NodeID) {
	f.Helper()
	f.ok(f.store.Leave(f.ctx, id))
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// hasCode wants a decision of that code.
func (f *fixture) hasCode(err error, want reeve.Code) {
	f.Helper()
	if _, coded := errors.AsType[*reeve.Error](err); !coded || reeve.CodeOf(err) != want {
		f.Fatalf("got error %v (code %q), want code %q", err, reeve.CodeOf(err), want)
	}
}

func (f *fixture) equal(what string, want, got any) {
	f.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// commit hands in a batch and wants an answer for each op.
func (f *fixture) commit(batch ...journal.Op) []journal.Result {
	f.Helper()
	results, err := f.store.Commit(f.ctx, batch)
	f.ok(err)
	if len(results) != len(batch) {
		f.Fatalf("%d results for %d ops", len(results), len(batch))
	}
	return results
}

// do hands in one op that must be written.
func (f *fixture) do(op journal.Op) journal.Result {
	f.Helper()
	res := f.commit(op)[0]
	f.ok(res.Err)
	return res
}

// refuse hands in one op that must be refused and must leave no trace in its thread's log.
func (f *fixture) refuse(op journal.Op, code reeve.Code) {
	f.Helper()
	before := f.heads(op.On())
	f.hasCode(f.commit(op)[0].Err, code)
	f.equal("positions around a refused op", before, f.heads(op.On()))
}

func (f *fixture) heads(ids ...reeve.ThreadID) map[reeve.ThreadID]reeve.Position {
	f.Helper()
	heads, err := f.store.Heads(f.ctx, ids)
	f.ok(err)
	return heads
}

// accept starts a run of ann's on the thread, which is made if it is not there.
func (f *fixture) accept(thread reeve.ThreadID) reeve.Run {
	f.Helper()
	return f.do(acceptOn(thread)).Run
}

func acceptOn(thread reeve.ThreadID) *journal.Accept {
	return &journal.Accept{Thread: thread, Create: true, Owner: ann, Agent: agent, Input: input}
}

// start accepts a run and claims it.
func (f *fixture) start(thread reeve.ThreadID) *owner {
	f.Helper()
	run := f.accept(thread)
	return f.claimRun(node, run.ID)
}

// claimRun claims one run that must be there to be claimed.
func (f *fixture) claimRun(id reeve.NodeID, run reeve.RunID) *owner {
	f.Helper()
	claimed := f.claim(journal.ClaimQuery{Node: id, Agents: []string{agent}, Run: run, Limit: 1})
	if len(claimed) != 1 || claimed[0].Run.ID != run {
		f.Fatalf("claim of run %s gave %v", run, claimed)
	}
	return &owner{f: f, Claimed: claimed[0], number: 1}
}

func (f *fixture) claim(q journal.ClaimQuery) []journal.Claimed {
	f.Helper()
	claimed, err := f.store.Claim(f.ctx, q)
	f.ok(err)
	return claimed
}

// claimable names the runs that node could claim now, by claiming them.
func (f *fixture) claimable() []reeve.RunID {
	f.Helper()
	return runIDs(f.claim(journal.ClaimQuery{Node: node, Agents: []string{agent}, Limit: 1000}))
}

func runIDs(claimed []journal.Claimed) []reeve.RunID {
	ids := make([]reeve.RunID, len(claimed))
	for i, c := range claimed {
		ids[i] = c.Run.ID
	}
	return ids
}

func (f *fixture) run(id reeve.RunID) reeve.Run {
	f.Helper()
	run, err := f.store.Run(f.ctx, id)
	f.ok(err)
	return run
}

func (f *fixture) hasStatus(id reeve.RunID, want reeve.Status) {
	f.Helper()
	if got := f.run(id).Status; got != want {
		f.Fatalf("run %s is %s, want %s", id, got, want)
	}
}

// log reads a thread's whole log and holds it against what every log must be.
func (f *fixture) log(thread reeve.ThreadID) []reeve.Entry {
	f.Helper()
	entries, err := f.store.Entries(f.ctx, journal.EntryQuery{Thread: thread, Limit: 1_000_000, MaxBytes: 1 << 30})
	f.ok(err)
	row, err := f.store.Thread(f.ctx, thread)
	f.ok(err)
	if err := whole(row, entries); err != nil {
		f.Fatal(err)
	}
	return entries
}

// whole says what is wrong with a log: a hole, a repeat, a time that runs backwards, or a
// row that says something else than the entries.
func whole(row reeve.Thread, entries []reeve.Entry) error {
	next := row.FirstSeq
	var at time.Time
	for _, e := range entries {
		switch {
		case e.Thread != row.ID, e.Epoch != row.Epoch:
			return fmt.Errorf("thread %s, epoch %d has an entry of thread %s, epoch %d", row.ID, row.Epoch, e.Thread, e.Epoch)
		case e.First != next, e.Seq != next:
			return fmt.Errorf("thread %s: entry %d to %d where %d is next", row.ID, e.First, e.Seq, next)
		case e.At.Before(at):
			return fmt.Errorf("thread %s: entry %d is of %s, the one before of %s", row.ID, e.Seq, e.At, at)
		}
		next, at = e.Seq+1, e.At
	}
	if row.LastSeq != next-1 {
		return fmt.Errorf("thread %s: its row ends at %d, its log at %d", row.ID, row.LastSeq, next-1)
	}
	return nil
}

// kinds is a log at a glance.
func kinds(entries []reeve.Entry) []reeve.Kind {
	list := make([]reeve.Kind, len(entries))
	for i, e := range entries {
		list[i] = e.Kind
	}
	return list
}

func seqs(entries []reeve.Entry) []int64 {
	list := make([]int64, len(entries))
	for i, e := range entries {
		list[i] = e.Seq
	}
	return list
}

// sameJSON compares what two texts of JSON mean: a store may write white space or escapes its own way.
func (f *fixture) sameJSON(what string, want, got json.RawMessage) {
	f.Helper()
	var w, g any
	f.ok(json.Unmarshal(want, &w))
	if err := json.Unmarshal(got, &g); err != nil {
		f.Fatalf("%s: %.80q: %v", what, got, err)
	}
	f.equal(what, w, g)
}

// read decodes an entry's data.
func read[T any](f *fixture, e reeve.Entry) T {
	f.Helper()
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		f.Fatalf("data of %s at %d: %q: %v", e.Kind, e.Seq, e.Data, err)
	}
	return v
}
