package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

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

func (t *trial) accept(s *side) {
	op := &journal.Accept{
		Thread: s.id, Create: true, Owner: ann, Agent: t.agent(), Input: input,
		OnBusy: rapid.SampledFrom([]reeve.OnBusy{reeve.Enqueue, reeve.Reject, reeve.Interrupt}).Draw(t.T, "on_busy"),
		Key:    rapid.SampledFrom([]string{"", "", "k1", "k2"}).Draw(t.T, "key"),
		Hash:   rapid.SampledFrom([]string{"h", "h", "other"}).Draw(t.T, "hash"),
	}
	if rapid.Bool().Draw(t.T, "take") {
		op.Take = t.node()
	}
	known := len(s.runs)
	want, r, code := s.accept(op)
	res := t.commit(op, want, code)
	s.there = true
	if code != "" {
		return
	}
	taken := len(s.runs) > known && s.hand == r
	if res.Run.ID != r.id || res.Existing != (len(s.runs) == known) || (res.Claimed != nil) != taken {
		t.Fatalf("accept: run %s, existing %v, claimed %v; want %s, taken %v", res.Run.ID, res.Existing, res.Claimed, r.id, taken)
	}
	if taken {
		t.took(s, *res.Claimed)
	}
}

// took holds a claim against the model after it took the thread too.
func (t *trial) took(s *side, c journal.Claimed) {
	r := s.hand
	if c.Run.ID != r.id || c.Run.Attempt != r.attempt || c.Strikes != r.strikes || c.LastSeq != s.last() || c.Fence <= s.floor {
		t.Fatalf("claimed %+v, want run %s, attempt %d, strikes %d, last %d, fence above %d", c, r.id, r.attempt, r.strikes, s.last(), s.floor)
	}
	s.fence, s.floor, s.number, s.latest = c.Fence, c.Fence, 1, nil
}

func (t *trial) claim() {
	claimed, err := t.f.store.Claim(t.f.ctx, journal.ClaimQuery{Node: t.node(), Agents: []string{t.agent()}, Limit: 1000})
	t.ok(err)
	byThread := map[reeve.ThreadID]journal.Claimed{}
	for _, c := range claimed {
		byThread[c.Run.Thread] = c
	}
	for _, s := range t.sides {
		c, got := byThread[s.id]
		if want := s.due && !s.held(); got != want {
			t.Fatalf("thread %s was claimed: %v, want %v", s.id, got, want)
		}
		if got {
			l := s.claim()
			if diff := cmp.Diff([]line{l}, linesOf(c.Entries)); diff != "" {
				t.Fatalf("claim wrote (-model +store):\n%s", diff)
			}
			t.took(s, c)
		}
	}
	if len(byThread) != len(claimed) {
		t.Fatalf("a thread was claimed twice: %v", runIDs(claimed))
	}
}

func (t *trial) steps() *journal.Append {
	op := &journal.Append{Progress: rapid.Bool().Draw(t.T, "progress")}
	for n := range rapid.IntRange(1, 3).Draw(t.T, "steps") {
		op.Entries = append(op.Entries, step(n+1))
	}
	return op
}

func (t *trial) question() journal.Draft {
	return journal.Draft{Kind: reeve.KindAskOpened, Path: rapid.SampledFrom([]string{"a", "b"}).Draw(t.T, "path"), Data: json.RawMessage(`{"text":"?"}`)}
}

// append completes the op as the last claim's owner and hands it in.
func (t *trial) append(s *side, op *journal.Append) {
	if s.fence == 0 {
		t.Skip("never claimed")
	}
	gap := rapid.Int64Range(0, 1).Draw(t.T, "gap")
	op.Thread, op.Fence, op.Number = s.id, s.fence, s.number+gap
	if s.hand != nil {
		for i := range op.Entries {
			op.Entries[i].Run, op.Entries[i].Attempt = s.hand.id, s.hand.attempt
		}
	}
	s.number += gap + int64(len(op.Entries))
	want, code := s.append(op)
	res := t.commit(op, want, code)
	if code == "" {
		s.latest, s.landed = op, seqs(res.Entries)
	}
}

func (t *trial) change(s *side) {
	if s.hand == nil {
		t.Skip("no run in hand")
	}
	status := rapid.SampledFrom(reeve.Statuses).Draw(t.T, "status")
	c := &journal.Change{Run: s.hand.id, Status: status}
	c.Release = rapid.Bool().Draw(t.T, "release")
	switch rapid.SampledFrom([]string{"none", "now", "far"}).Draw(t.T, "wake") {
	case "now":
		c.Wake = time.Now().Add(-time.Second)
	case "far":
		c.Wake = farAway()
	}
	switch rapid.SampledFrom([]string{"none", "true", "false"}).Draw(t.T, "if last") {
	case "true":
		c.IfLastSeq = s.last()
	case "false":
		c.IfLastSeq = s.last() - 1
	}
	t.append(s, &journal.Append{Change: c, Entries: []journal.Draft{{Kind: kindOf(status)}}})
}

func kindOf(status reeve.Status) reeve.Kind {
	switch status {
	case reeve.StatusWaiting:
		return reeve.KindRunWaiting
	case reeve.StatusCompleted:
		return reeve.KindRunCompleted
	case reeve.StatusFailed:
		return reeve.KindRunFailed
	case reeve.StatusCancelled:
		return reeve.KindRunCancelled
	}
	return reeve.KindRunHanded
}

// resend hands in the latest append again: the same positions and nothing else.
func (t *trial) resend(s *side) {
	if s.latest == nil {
		t.Skip("nothing appended in this claim")
	}
	results, err := t.f.store.Commit(t.f.ctx, []journal.Op{s.latest})
	t.ok(err)
	t.ok(results[0].Err)
	if got := seqs(results[0].Entries); !slices.Equal(got, s.landed) {
		t.Fatalf("resent: %v, first: %v", got, s.landed)
	}
}

func (t *trial) stale(s *side) {
	if s.fence == 0 {
		t.Skip("never claimed")
	}
	op := t.steps()
	op.Thread, op.Fence, op.Number = s.id, s.fence-1, s.number
	t.commit(op, nil, reeve.CodeFenced)
}

func (t *trial) answer(s *side) {
	op := answerTo(t.runOf(s), rapid.SampledFrom([]string{"a", "b"}).Draw(t.T, "path"))
	want, code := s.answer(op.Run, op.Path)
	t.commit(op, want, code)
}

func (t *trial) cancel(s *side) {
	op := &journal.Cancel{Run: t.runOf(s)}
	want, code := s.cancel(op.Run)
	t.commit(op, want, code)
}

func (t *trial) retry(s *side) {
	op := &journal.Retry{Run: t.runOf(s)}
	want, code := s.retry(op.Run)
	t.commit(op, want, code)
}

func (t *trial) inbox() {
	ids, err := t.f.store.Inbox(t.f.ctx, t.node())
	t.ok(err)
	for _, s := range t.sides {
		if got := slices.Contains(ids, s.id); got != s.marked {
			t.Fatalf("thread %s in the inbox: %v, want %v", s.id, got, s.marked)
		}
		s.marked = false
	}
}

func (t *trial) death() {
	t.ok(t.f.store.Leave(t.f.ctx, t.node()))
	t.joinNext()
	for _, s := range t.sides {
		s.die()
	}
}

func (t *trial) prune() {
	_, err := t.f.store.Prune(t.f.ctx, inAnHour(), 1_000_000)
	t.ok(err)
	for _, s := range t.sides {
		s.prune()
		if s.latest != nil && s.landed[0] < s.first {
			s.latest = nil // where it landed is forgotten with its entries
		}
	}
}

func (t *trial) deletion(s *side) {
	err := t.f.store.DeleteThread(t.f.ctx, ann, s.id)
	if len(s.live()) > 0 {
		if reeve.CodeOf(err) != reeve.CodeConflict {
			t.Fatalf("deletion with a run that has not ended: %v", err)
		}
		return
	}
	t.ok(err)
	s.model, s.there, s.latest, s.fence = newModel(s.id), false, nil, 0
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
