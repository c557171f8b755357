package memory

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// accept starts a run from outside, or finds the one that its key stands for.
func (s *Store) accept(o *journal.Accept, at time.Time) (journal.Result, error) {
	t, err := s.acceptOn(o)
	if err != nil {
		return journal.Result{}, err
	}
	if t == nil {
		t = s.addThread(reeve.Thread{ID: o.Thread, Owner: o.Owner, Title: o.Title, Metadata: o.Metadata}, at)
	}
	if known, ok := t.keys[o.Key]; ok && o.Key != "" {
		return existing(known, o)
	}
	if o.OnBusy == reeve.Reject && len(t.live) > 0 {
		return journal.Result{}, reeve.Errorf(reeve.CodeBusy, "thread %s is busy with run %s", t.ID, t.head().ID)
	}
	res := journal.Result{}
	if o.OnBusy == reeve.Interrupt {
		res.Entries = s.interrupt(t, at)
	}
	r := s.enqueue(t, o, at, &res)
	if n := s.nodes[o.Take]; n != nil && !s.paused[o.Agent] && t.head() == r && !t.held() {
		res.Claimed = s.take(t, n, at)
		res.Entries = append(res.Entries, res.Claimed.Entries...)
	} else {
		res.Runnable = s.wroteFromOutside(t, at)
	}
	s.settle(t)
	res.Run = r.Run
	return res, nil
}

// acceptOn finds the thread of an accept; nil when it is to be made.
func (s *Store) acceptOn(o *journal.Accept) (*thread, error) {
	t := s.threads[o.Thread]
	if t == nil && o.Create {
		return nil, nil
	}
	if t == nil || t.Owner != o.Owner {
		return nil, reeve.Errorf(reeve.CodeNotFound, "thread %s: not found", o.Thread)
	}
	return t, nil
}

func existing(k keyed, o *journal.Accept) (journal.Result, error) {
	if k.hash != o.Hash {
		return journal.Result{}, reeve.Errorf(reeve.CodeKeyReused,
			"the Idempotency-Key stands for run %s, which was started by another request", k.run.ID)
	}
	return journal.Result{Run: k.run.Run, Existing: true}, nil
}

// interrupt asks every run that has not ended to end.
func (s *Store) interrupt(t *thread, at time.Time) []reeve.Entry {
	var written []reeve.Entry
	for _, r := range slices.Clone(t.live) {
		written = append(written, s.requestCancel(t, r, "interrupted by a new run", at)...)
	}
	return written
}

// enqueue writes the run's first two entries and its row.
func (s *Store) enqueue(t *thread, o *journal.Accept, at time.Time, res *journal.Result) *run {
	r := s.addRun(t, o, at)
	if o.Key != "" {
		if t.keys == nil {
			t.keys = map[string]keyed{}
		}
		r.key = o.Key
		t.keys[o.Key] = keyed{hash: o.Hash, run: r}
	}
	message := t.write(at, journal.Draft{
		Kind: reeve.KindMessageAdded, Run: r.ID,
		Data: userMessage(r.Input),
	})
	r.CreatedAt = message.At
	res.Entries = append(res.Entries, message,
		t.write(at, journal.Draft{Kind: reeve.KindRunQueued, Run: r.ID, Data: mustJSON(reeve.RunQueued{Agent: r.Agent})}))
	return r
}

// userMessage is a reeve.MessageAdded. It is put together by hand, so that the content
// keeps the bytes it was handed in with.
func userMessage(content json.RawMessage) json.RawMessage {
	data := append([]byte(`{"role":"`), reeve.RoleUser...)
	data = append(data, `","content":`...)
	data = append(data, content...)
	return append(data, '}')
}

// inputOf is the accept's input as the store's own; none is null.
func inputOf(o *journal.Accept) json.RawMessage {
	if len(o.Input) == 0 {
		return json.RawMessage("null")
	}
	return slices.Clone(o.Input)
}
