package storetest

import (
	"fmt"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var modelTests = []test{
	{"any ops in any order give the model's log and rows", property},
}

// property has rapid draw ops for three threads and holds the store's answers, logs and
// rows against the model after each. All draws share one store: names of their own keep
// them apart.
func property(f *fixture) {
	draws := 0
	rapid.Check(f.T, func(t *rapid.T) {
		draws++
		newTrial(f, t, draws).run()
	})
}

const trialThreads = 3

// trial is one draw.
type trial struct {
	*rapid.T
	f     *fixture
	draw  int
	nodes int
	sides [trialThreads]*side
}

// side is one thread: the model's and the store's.
type side struct {
	*model
	there  bool // it was made and not deleted
	fence  int64
	floor  int64 // the highest fence ever: also in a thread made again they only rise
	number int64 // of the next append
	latest *journal.Append
	landed []int64 // the positions that latest was answered with
}

func newTrial(f *fixture, t *rapid.T, draw int) *trial {
	tr := &trial{T: t, f: f, draw: draw}
	for i := range tr.sides {
		tr.sides[i] = &side{model: newModel(reeve.ThreadID(fmt.Sprintf("d%d-%d", draw, i)))}
	}
	tr.joinNext()
	return tr
}

func (t *trial) run() {
	t.Repeat(map[string]func(*rapid.T){
		"accept":   func(*rapid.T) { t.accept(t.any()) },
		"claim":    func(*rapid.T) { t.claim() },
		"step":     func(*rapid.T) { t.append(t.there(), t.steps()) },
		"ask":      func(*rapid.T) { t.append(t.there(), &journal.Append{Entries: []journal.Draft{t.question()}}) },
		"change":   func(*rapid.T) { t.change(t.there()) },
		"resend":   func(*rapid.T) { t.resend(t.there()) },
		"stale":    func(*rapid.T) { t.stale(t.there()) },
		"answer":   func(*rapid.T) { t.answer(t.there()) },
		"cancel":   func(*rapid.T) { t.cancel(t.there()) },
		"retry":    func(*rapid.T) { t.retry(t.there()) },
		"inbox":    func(*rapid.T) { t.inbox() },
		"death":    func(*rapid.T) { t.death() },
		"prune":    func(*rapid.T) { t.prune() },
		"deletion": func(*rapid.T) { t.deletion(t.there()) },
		"":         func(*rapid.T) { t.compare() },
	})
}

func (t *trial) node() reeve.NodeID { return reeve.NodeID(fmt.Sprintf("d%d-%d", t.draw, t.nodes)) }
func (t *trial) agent() string      { return fmt.Sprintf("d%d", t.draw) }

func (t *trial) joinNext() {
	t.nodes++
	t.ok(t.f.store.Join(t.f.ctx, journal.Node{ID: t.node()}))
}

func (t *trial) ok(err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (t *trial) any() *side { return rapid.SampledFrom(t.sides[:]).Draw(t.T, "thread") }

// there is a thread that exists; the draw is passed over when none does.
func (t *trial) there() *side {
	var list []*side
	for _, s := range t.sides {
		if s.there {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		t.Skip("no thread yet")
	}
	return rapid.SampledFrom(list).Draw(t.T, "thread")
}

// runOf is a run of the thread, or one that it has not.
func (t *trial) runOf(s *side) reeve.RunID {
	n := rapid.Int64Range(max(1, s.pruned), s.pruned+int64(len(s.runs))+1).Draw(t.T, "run")
	return reeve.MakeRunID(s.id, n)
}

// commit hands in one op and holds its answer against the model's.
func (t *trial) commit(op journal.Op, want []line, code reeve.Code) journal.Result {
	results, err := t.f.store.Commit(t.f.ctx, []journal.Op{op})
	t.ok(err)
	res := results[0]
	if got := reeve.CodeOf(res.Err); got != code {
		t.Fatalf("%T: %v (code %q), want code %q", op, res.Err, got, code)
	}
	if diff := cmp.Diff(want, linesOf(res.Entries), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%T wrote (-model +store):\n%s", op, diff)
	}
	return res
}

func linesOf(entries []reeve.Entry) []line {
	lines := make([]line, len(entries))
	for i, e := range entries {
		lines[i] = line{Seq: e.Seq, Run: e.Run, Kind: e.Kind, Path: e.Path}
	}
	return lines
}

// compare holds every thread's log and rows against the model.
func (t *trial) compare() {
	for _, s := range t.sides {
		row, err := t.f.store.Thread(t.f.ctx, s.id)
		if !s.there {
			if reeve.CodeOf(err) != reeve.CodeNotFound {
				t.Fatalf("thread %s, which is not there: %v", s.id, err)
			}
			continue
		}
		t.ok(err)
		if row.FirstSeq != s.first || row.LastSeq != s.last() {
			t.Fatalf("thread %s: %d to %d, want %d to %d", s.id, row.FirstSeq, row.LastSeq, s.first, s.last())
		}
		t.compareLog(s, row)
		t.compareRows(s)
	}
}

func (t *trial) compareLog(s *side, row reeve.Thread) {
	log, err := t.f.store.Entries(t.f.ctx, journal.EntryQuery{Thread: s.id, Limit: 1_000_000})
	t.ok(err)
	t.ok(whole(row, log))
	if diff := cmp.Diff(s.lines, linesOf(log), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("log of %s (-model +store):\n%s", s.id, diff)
	}
}

func (t *trial) compareRows(s *side) {
	runs, err := t.f.store.Runs(t.f.ctx, journal.RunQuery{Thread: s.id, Limit: 1000})
	t.ok(err)
	got := map[reeve.RunID]string{}
	for _, r := range runs {
		got[r.ID] = rowOf(r)
	}
	if diff := cmp.Diff(s.rows(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("runs of %s (-model +store):\n%s", s.id, diff)
	}
}

func rowOf(r reeve.Run) string {
	return row(r.Status, r.Attempt, r.FirstSeq, r.LastSeq, r.StartedAt != nil)
}
