package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var logTests = []test{
	{"positions are gap-free from 1", positionsGapFree},
	{"an entry comes back as it was handed in", entryComesBack},
	{"data of every shape comes back", dataComesBack},
	{"4 MiB of data comes back", bigDataComesBack},
	{"names of every script come back", namesComeBack},
	{"what was handed in may be changed afterwards", bufferIsFree},
	{"entries of one thread keep their order within a batch", orderWithinBatch},
	{"an empty batch is no trouble", emptyBatch},
}

func positionsGapFree(f *fixture) {
	o := f.start(tea)
	o.steps(20)
	f.do(o.op(step(21), step(22), step(23)))
	f.accept(tea)
	res := o.complete()
	log := f.log(tea)
	if len(log) != 3+23+2+1 {
		f.Fatalf("%d entries: %v", len(log), kinds(log))
	}
	if log[0].Seq != 1 || res.LastSeq != log[len(log)-1].Seq {
		f.Fatalf("log from %d to %d, want from 1 to %d", log[0].Seq, log[len(log)-1].Seq, res.LastSeq)
	}
	f.equal("head", reeve.Position{Epoch: log[0].Epoch, Seq: res.LastSeq}, f.heads(tea)[tea])
}

func entryComesBack(f *fixture) {
	o := f.start(tea)
	draft := journal.Draft{
		Kind: "some.unknown", Run: o.Run.ID, Path: "crew/scan[a.go]/step#2", Scope: "crew/scan[a.go]", Name: "step", N: 12,
		Attempt: 1, Try: 3, Data: json.RawMessage(`{"a":[1,2.5,"x",null,true]}`),
	}
	res := f.do(&journal.Append{Thread: tea, Fence: o.Fence, Number: 1, Entries: []journal.Draft{draft}})
	log := f.log(tea)
	got := log[len(log)-1]
	f.equal("what the commit answered", []reeve.Entry{got}, res.Entries)
	if got.At.IsZero() {
		f.Fatal("the entry has no time")
	}
	f.equal("entry", reeve.Entry{
		Thread: tea, Epoch: o.Epoch, First: got.Seq, Seq: got.Seq, Run: draft.Run, Path: draft.Path, Kind: draft.Kind,
		Attempt: 1, Try: 3, Data: draft.Data, At: got.At, Scope: draft.Scope, N: 12, Name: "step",
	}, got)
}

// odd is JSON that a database might take amiss: NUL, lone halves of a surrogate pair,
// non-characters, numbers beyond a float, white space, deep nesting.
var odd = []string{
	`null`, `""`, `0`, `"\u0000"`, `{"\u0000":"a\u0000b"}`, `"\ud800"`, `"\udfff and \ud83d"`, `"\ufffe\uffff"`,
	"\"\u2028\u2029\"", `"<script>&amp;"`, `"😀 日本語 עברית e\u0301"`, `1e400`, `123456789012345678901234567890.5`,
	`"'; DROP TABLE log; --"`, `"$1 ? :x @y %s"`, " [ 1 ,\n\t2 ] ", `{"a":1,"a":2}`, strings.Repeat("[", 500) + strings.Repeat("]", 500),
}

func dataComesBack(f *fixture) {
	o := f.start(tea)
	var drafts []journal.Draft
	for _, text := range odd {
		drafts = append(drafts, journal.Draft{Kind: reeve.KindStepCompleted, Path: "step", Data: json.RawMessage(text)})
	}
	drafts = append(drafts, journal.Draft{Kind: reeve.KindStepCompleted, Path: "none"})
	f.do(o.op(drafts...))
	for i, e := range f.log(tea)[3:] {
		// Byte for byte: replay gives it to the author's own type.
		if !bytes.Equal(e.Data, drafts[i].Data) {
			f.Errorf("data %.60q came back as %.60q", drafts[i].Data, e.Data)
		}
	}
	for i, text := range odd[:10] {
		a := acceptOn(reeve.ThreadID(fmt.Sprintf("odd-%d", i)))
		a.Input = json.RawMessage(text)
		run := f.do(a).Run
		if got := f.run(run.ID).Input; string(got) != text {
			f.Errorf("input %.60q came back as %.60q", text, got)
		}
		if message := read[reeve.MessageAdded](f, f.log(a.Thread)[0]); message.Role != reeve.RoleUser {
			f.Errorf("message of input %.60q: %+v", text, message)
		}
	}
}

func bigDataComesBack(f *fixture) {
	o := f.start(tea)
	big := json.RawMessage(`"` + strings.Repeat("x", reeve.MaxEntry-2) + `"`)
	f.do(o.op(journal.Draft{Kind: reeve.KindStepCompleted, Path: "big", Data: big}))
	op := o.completion()
	op.Change.Result = big
	f.do(op)
	if got := f.log(tea)[3].Data; !bytes.Equal(got, big) {
		f.Errorf("%d bytes of data came back as %d others", len(big), len(got))
	}
	if got := f.run(o.Run.ID).Result; !bytes.Equal(got, big) {
		f.Errorf("a result of %d bytes came back as %d others", len(big), len(got))
	}
}

func namesComeBack(f *fixture) {
	names := []string{"naïve café", "日本語", "😀", "a'b\"c`d", "%s $1 ?", "\u202eright to left", "\uffff", strings.Repeat("ü", reeve.MaxName/2)}
	for i, name := range names {
		id := reeve.ThreadID(fmt.Sprintf("name-%d", i))
		f.do(&journal.Accept{
			Thread: id, Create: true, Owner: name, Title: name, Metadata: json.RawMessage(`{"k":1}`),
			Agent: name, Version: name, Input: input, Key: name, Hash: name,
		})
		claimed := f.claim(journal.ClaimQuery{Node: node, Agents: []string{name}, Limit: 1})
		if len(claimed) != 1 || claimed[0].Owner != name {
			f.Fatalf("claim for agent %q gave %v", name, claimed)
		}
		o := &owner{f: f, Claimed: claimed[0], number: 1}
		f.do(o.op(journal.Draft{Kind: reeve.KindStepCompleted, Path: name, Scope: name, Name: name}))
		log := f.log(id)
		last := log[len(log)-1]
		f.equal("path, scope and name", []string{name, name, name}, []string{last.Path, last.Scope, last.Name})
		row, err := f.store.Thread(f.ctx, id)
		f.ok(err)
		f.equal("owner and title", []string{name, name}, []string{row.Owner, row.Title})
		f.sameJSON("metadata", json.RawMessage(`{"k":1}`), row.Metadata)
		run := f.run(o.Run.ID)
		f.equal("agent and version", []string{name, name, name}, []string{run.Agent, run.Version, run.Owner})
	}
}

func bufferIsFree(f *fixture) {
	o := f.start(tea)
	data := json.RawMessage(`"before"`)
	op := o.op(journal.Draft{Kind: reeve.KindStepCompleted, Path: "step", Data: data})
	f.do(op)
	result := json.RawMessage(`"before"`)
	end := o.completion()
	end.Change.Result = result
	f.do(end)
	in := acceptOn(tea)
	in.Input = json.RawMessage(`"before"`)
	queued := f.do(in).Run
	for _, buffer := range [][]byte{data, result, in.Input} {
		copy(buffer, `"afterw"`)
	}
	op.Entries[0].Path = "other"
	step := f.log(tea)[3]
	f.equal("step", []string{"step", `"before"`}, []string{step.Path, string(step.Data)})
	f.equal("result", `"before"`, string(f.run(o.Run.ID).Result))
	f.equal("input", `"before"`, string(f.run(queued.ID).Input))
}

// Two threads' ops are mixed in one batch, outside writers among them.
func orderWithinBatch(f *fixture) {
	a, b := f.start("a"), f.start("b")
	results := f.commit(a.op(step(1)), b.op(step(1), step(2)), acceptOn("a"), a.op(step(2)), b.op(step(3)), a.completion())
	for i, res := range results {
		f.ok(res.Err)
		if n := len(res.Entries); n == 0 || i > 0 && res.LastSeq < res.Entries[n-1].Seq {
			f.Fatalf("op %d: entries %v, last %d", i, seqs(res.Entries), res.LastSeq)
		}
	}
	want := []reeve.Kind{"message.added", "run.queued", "run.started", "step.completed", "message.added", "run.queued", "step.completed", "run.completed"}
	f.equal("log of a", want, kinds(f.log("a")))
	paths := make([]string, 0, 3)
	for _, e := range f.log("b")[3:] {
		paths = append(paths, e.Path)
	}
	f.equal("steps of b", []string{"step#1", "step#2", "step#3"}, paths)
	for _, id := range []reeve.ThreadID{"a", "b"} {
		var told []int64
		for i, op := range []reeve.ThreadID{"a", "b", "a", "a", "b", "a"} {
			if op == id {
				told = append(told, seqs(results[i].Entries)...)
			}
		}
		if !slices.Equal(told, seqs(f.log(id)[3:])) {
			f.Errorf("thread %s: the results tell of %v", id, told)
		}
	}
}

func emptyBatch(f *fixture) {
	results, err := f.store.Commit(f.ctx, nil)
	f.ok(err)
	if len(results) != 0 {
		f.Fatalf("results of an empty batch: %v", results)
	}
}
