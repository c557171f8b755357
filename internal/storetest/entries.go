package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var entriesTests = []test{
	{"after a position", entriesAfter},
	{"pages join without a hole", entriesPages},
	{"one run's entries", entriesOfRun},
	{"kinds, and all but one kind", entriesKinds},
	{"bounded in bytes, but never empty", entriesBytes},
	{"a thread that is not there", entriesNoThread},
	{"heads", heads},
}

func (f *fixture) entries(q journal.EntryQuery) []reeve.Entry {
	f.Helper()
	entries, err := f.store.Entries(f.ctx, q)
	f.ok(err)
	return entries
}

func entriesAfter(f *fixture) {
	o := f.start(tea)
	o.steps(10)
	log := f.log(tea)
	for after := range int64(len(log)) {
		f.equal("entries", log[after:], f.entries(journal.EntryQuery{Thread: tea, After: after, Limit: 100}))
	}
	for _, after := range []int64{13, 14, 1 << 40} {
		f.equal("entries at and beyond the end", 0, len(f.entries(journal.EntryQuery{Thread: tea, After: after, Limit: 100})))
	}
}

func entriesPages(f *fixture) {
	o := f.start(tea)
	o.steps(20)
	for _, limit := range []int{1, 2, 7, 23, 24} {
		var got []reeve.Entry
		for after := int64(0); ; {
			page := f.entries(journal.EntryQuery{Thread: tea, After: after, Limit: limit})
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				f.Fatalf("%d entries with a limit of %d", len(page), limit)
			}
			got = append(got, page...)
			after = page[len(page)-1].Seq
		}
		f.equal("pages", f.log(tea), got)
	}
}

func entriesOfRun(f *fixture) {
	first := f.start(tea)
	first.steps(3)
	second := f.accept(tea)
	first.steps(3)
	first.complete()
	f.claimRun(node, second.ID).steps(2)
	log := f.log(tea)
	for _, run := range []reeve.RunID{first.Run.ID, second.ID} {
		want := slices.DeleteFunc(slices.Clone(log), func(e reeve.Entry) bool { return e.Run != run })
		f.equal("entries of "+string(run), want, f.entries(journal.EntryQuery{Thread: tea, Run: run, Limit: 100}))
		f.equal("from its third", want[2:], f.entries(journal.EntryQuery{Thread: tea, Run: run, After: want[1].Seq, Limit: 100}))
		f.equal("two of them", want[:2], f.entries(journal.EntryQuery{Thread: tea, Run: run, Limit: 2}))
	}
	f.equal("of a run that is not there", 0, len(f.entries(journal.EntryQuery{Thread: tea, Run: "tea.9", Limit: 100})))
}

func entriesKinds(f *fixture) {
	o := f.start(tea)
	text := journal.Draft{Kind: reeve.KindTextAppended, Path: "step", Data: json.RawMessage(`{"offset":0,"text":"x"}`)}
	f.do(o.op(text, step(1), text, text, step(2)))
	o.complete()
	f.equal("without text", []reeve.Kind{"message.added", "run.queued", "run.started", "step.completed", "step.completed", "run.completed"},
		kinds(f.entries(journal.EntryQuery{Thread: tea, Without: reeve.KindTextAppended, Limit: 100})))
	f.equal("two kinds", []reeve.Kind{"message.added", "run.completed"},
		kinds(f.entries(journal.EntryQuery{Thread: tea, Kinds: []reeve.Kind{reeve.KindMessageAdded, reeve.KindRunCompleted}, Limit: 100})))
	// The limit counts what is given, not what is passed over.
	f.equal("limit", []int64{5, 8}, seqs(f.entries(journal.EntryQuery{Thread: tea, Run: o.Run.ID, After: 4, Without: reeve.KindTextAppended, Limit: 2})))
}

func entriesBytes(f *fixture) {
	o := f.start(tea)
	kilobyte := json.RawMessage(`"` + strings.Repeat("x", 998) + `"`)
	for range 10 {
		f.do(o.op(journal.Draft{Kind: reeve.KindStepCompleted, Path: "step", Data: kilobyte}))
	}
	for _, bound := range []struct{ bytes, least, most int }{{1, 1, 1}, {999, 1, 1}, {3_000, 2, 4}, {1 << 20, 10, 10}} {
		got := len(f.entries(journal.EntryQuery{Thread: tea, After: 3, Limit: 100, MaxBytes: bound.bytes}))
		if got < bound.least || got > bound.most {
			f.Errorf("%d entries of 1,000 bytes within %d bytes, want %d to %d", got, bound.bytes, bound.least, bound.most)
		}
	}
	f.equal("unbounded", 10, len(f.entries(journal.EntryQuery{Thread: tea, After: 3, Limit: 100})))
}

func entriesNoThread(f *fixture) {
	_, err := f.store.Entries(f.ctx, journal.EntryQuery{Thread: "nowhere", Limit: 1})
	f.hasCode(err, reeve.CodeNotFound)
}

func heads(f *fixture) {
	var ids []reeve.ThreadID
	want := map[reeve.ThreadID]reeve.Position{}
	for i := range 300 {
		id := reeve.ThreadID(fmt.Sprintf("t%d", i))
		ids = append(ids, id)
		if i%3 == 0 {
			continue // left out: it is not there
		}
		run := f.accept(id)
		if i%3 == 1 {
			f.do(&journal.Cancel{Run: run.ID})
		}
		row, err := f.store.Thread(f.ctx, id)
		f.ok(err)
		want[id] = reeve.Position{Epoch: row.Epoch, Seq: row.LastSeq}
	}
	f.equal("heads", want, f.heads(ids...))
	f.equal("no heads", 0, len(f.heads()))
	_, err := f.store.CreateThread(f.ctx, reeve.Thread{ID: tea, Owner: ann})
	f.ok(err)
	f.equal("head of an empty thread", int64(0), f.heads(tea)[tea].Seq)
}
