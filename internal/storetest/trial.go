package storetest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

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
