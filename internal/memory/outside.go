package memory

import (
	"encoding/json"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// answer closes an open question.
func (s *Store) answer(o *journal.Answer, at time.Time) (journal.Result, error) {
	t, r, err := s.run(o.Run)
	if err != nil {
		return journal.Result{}, err
	}
	q, open := r.asks[o.Path]
	if !open || r.Status.Ended() {
		return journal.Result{}, conflict("run %s has no open question at %q", o.Run, o.Path)
	}
	e := t.write(at, journal.Draft{
		Kind: reeve.KindAskAnswered, Run: r.ID, Path: o.Path, Scope: q.scope, Name: q.name, N: q.n, Attempt: r.Attempt,
		Data: answered(o),
	})
	runnable := s.wroteFromOutside(t, at)
	s.settle(t)
	return journal.Result{Entries: []reeve.Entry{e}, Run: r.Run, Runnable: runnable}, nil
}

// answered is a reeve.AskAnswered. It is put together by hand, so that the value keeps
// the bytes it was handed in with.
func answered(o *journal.Answer) json.RawMessage {
	data := []byte(`{`)
	if len(o.Value) > 0 {
		data = append(data, `"value":`...)
		data = append(data, o.Value...)
		data = append(data, ',')
	}
	data = append(data, `"by":`...)
	data = append(data, mustJSON(o.By)...)
	return append(data, '}')
}

// cancel asks a run to end.
func (s *Store) cancel(o *journal.Cancel, at time.Time) (journal.Result, error) {
	t, r, err := s.run(o.Run)
	if err != nil {
		return journal.Result{}, err
	}
	if r.Status.Ended() {
		return journal.Result{}, conflict("run %s is %s already", o.Run, r.Status)
	}
	res := journal.Result{Entries: s.requestCancel(t, r, o.Reason, at)}
	if len(res.Entries) > 0 {
		res.Runnable = s.wroteFromOutside(t, at)
	}
	s.settle(t)
	res.Run = r.Run
	return res, nil
}

// requestCancel writes the request once, and the end as well where no node is there to write it.
func (s *Store) requestCancel(t *thread, r *run, reason string, at time.Time) []reeve.Entry {
	if r.cancelled {
		return nil
	}
	written := []reeve.Entry{t.write(at, journal.Draft{
		Kind: reeve.KindCancelRequested, Run: r.ID,
		Attempt: r.Attempt, Data: mustJSON(reeve.CancelRequested{Reason: reason}),
	})}
	if r.Status == reeve.StatusRunning || t.current == r && t.held() {
		return written
	}
	written = append(written, t.write(at, journal.Draft{Kind: reeve.KindRunCancelled, Run: r.ID, Attempt: r.Attempt}))
	r.Status = reeve.StatusCancelled
	s.finish(t, r, at)
	return written
}

// retry queues a failed run again. Its number gives it its place in the queue.
func (s *Store) retry(o *journal.Retry, at time.Time) (journal.Result, error) {
	t, r, err := s.run(o.Run)
	if err != nil {
		return journal.Result{}, err
	}
	if r.Status != reeve.StatusFailed {
		return journal.Result{}, conflict("run %s is %s: only a failed run can be retried", o.Run, r.Status)
	}
	r.Status, r.Error, r.FinishedAt, r.LastSeq = reeve.StatusQueued, nil, nil, 0
	r.cancelled, r.strikes = false, 0
	t.relive(r)
	e := t.write(at, journal.Draft{
		Kind: reeve.KindRunQueued, Run: r.ID, Attempt: r.Attempt,
		Data: mustJSON(reeve.RunQueued{Agent: r.Agent, Retry: true}),
	})
	runnable := s.wroteFromOutside(t, at)
	s.settle(t)
	return journal.Result{Entries: []reeve.Entry{e}, Run: r.Run, Runnable: runnable}, nil
}

// wroteFromOutside tells the owner by a mark, or makes the thread due when it has none.
// It says whether the thread can be claimed.
func (s *Store) wroteFromOutside(t *thread, at time.Time) bool {
	if t.held() {
		t.marked = true
		s.nodes[t.node].inbox[t] = true
		return false
	}
	if t.head() == nil {
		return false
	}
	s.becomeDue(t, at)
	return true
}
