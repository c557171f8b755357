package memory

import (
	"context"
	"slices"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// Commit writes a batch. It fails as a whole only when the store is closed or ctx has ended.
func (s *Store) Commit(ctx context.Context, batch []journal.Op) ([]journal.Result, error) {
	results, err := s.commit(ctx, batch)
	if err != nil {
		return nil, err
	}
	if s.onCommit != nil {
		s.onCommit(batch, results)
	}
	return results, nil
}

func (s *Store) commit(ctx context.Context, batch []journal.Op) ([]journal.Result, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	at := now()
	results := make([]journal.Result, len(batch))
	for i, op := range batch {
		res, err := s.apply(op, at)
		if err != nil {
			res = journal.Result{Err: err}
		}
		if t := s.threads[op.On()]; t != nil {
			res.LastSeq = t.LastSeq
		}
		results[i] = res
	}
	return results, nil
}

func (s *Store) apply(op journal.Op, at time.Time) (journal.Result, error) {
	switch o := op.(type) {
	case *journal.Append:
		return s.append(o, at)
	case *journal.Accept:
		return s.accept(o, at)
	case *journal.Answer:
		return s.answer(o, at)
	case *journal.Cancel:
		return s.cancel(o, at)
	case *journal.Retry:
		return s.retry(o, at)
	}
	return journal.Result{}, reeve.Errorf(reeve.CodeInternal, "memory: unknown op %T", op)
}

// append writes the owner's entries that have not landed yet and what they make of the run.
func (s *Store) append(o *journal.Append, at time.Time) (journal.Result, error) {
	t, err := s.owned(o)
	if err != nil {
		return journal.Result{}, err
	}
	res := journal.Result{Entries: make([]reeve.Entry, 0, len(o.Entries))}
	skip := min(max(t.acked()-o.Number+1, 0), int64(len(o.Entries)))
	for i := range skip {
		seq := t.landed(o.Number + i)
		if seq == 0 {
			return res, conflict("append %d to thread %s: it was refused before", o.Number, o.Thread)
		}
		res.Entries = append(res.Entries, reeve.Entry{Thread: t.ID, Epoch: t.Epoch, First: seq, Seq: seq})
	}
	if skip == int64(len(o.Entries)) {
		return res, nil
	}
	if err := t.mayChange(o.Change); err != nil {
		return journal.Result{}, err
	}
	t.acks = append(t.acks, ack{number: o.Number + skip, seq: t.LastSeq + 1, count: int64(len(o.Entries)) - skip})
	for _, d := range o.Entries[skip:] {
		d.Data = slices.Clone(d.Data)
		res.Entries = append(res.Entries, t.write(at, d))
	}
	if o.Progress && t.current != nil {
		t.current.strikes = 0
	}
	res.Runnable = s.change(t, o.Change, at)
	return res, nil
}

// owned finds the thread of an owner's op and holds its fence against it.
func (s *Store) owned(o *journal.Append) (*thread, error) {
	t := s.threads[o.Thread]
	switch {
	case len(o.Entries) == 0:
		return nil, reeve.Errorf(reeve.CodeInvalid, "append to thread %s: no entries; a change needs one that tells it", o.Thread)
	case o.Number < 1:
		return nil, reeve.Errorf(reeve.CodeInvalid, "append to thread %s: number %d, want 1 or more", o.Thread, o.Number)
	case t == nil:
		return nil, fenced("thread %s is gone", o.Thread)
	case t.fence != o.Fence:
		return nil, fenced("thread %s has fence %d, not %d", o.Thread, t.fence, o.Fence)
	case t.node == "" && t.landed(o.Number) == 0:
		return nil, fenced("thread %s was let go", o.Thread)
	}
	return t, nil
}

// mayChange refuses what an op must not do to its run.
func (t *thread) mayChange(c *journal.Change) error {
	switch {
	case c == nil:
		return nil
	case t.current == nil || t.current.ID != c.Run:
		return conflict("run %s is not the one in hand", c.Run)
	case !t.current.Status.May(c.Status):
		return conflict("run %s is %s and cannot become %s", c.Run, t.current.Status, c.Status)
	case c.IfLastSeq != 0 && c.IfLastSeq != t.LastSeq:
		return conflict("thread %s is at %d, not %d", t.ID, t.LastSeq, c.IfLastSeq)
	}
	return nil
}

// change does to the run in hand what mayChange allowed; it says whether that frees the thread to be claimed.
func (s *Store) change(t *thread, c *journal.Change, at time.Time) bool {
	if c == nil {
		return false
	}
	r := t.current
	r.Status = c.Status
	switch {
	case c.Status.Ended():
		r.Result, r.Error = slices.Clone(c.Result), copyOf(c.Error)
		s.finish(t, r, at)
	case c.Release:
		unread := t.marked && c.IfLastSeq == 0
		s.letGo(t)
		switch {
		case unread: // somebody wrote and the owner does not claim to have read it
			s.becomeDue(t, at)
		case !c.Wake.IsZero():
			s.becomeDue(t, c.Wake)
		}
	default:
		return false
	}
	s.settle(t)
	return !t.due.IsZero() && !t.due.After(at)
}

// finish closes a run's row at the log's end and gives the thread to the next in its queue.
func (s *Store) finish(t *thread, r *run, at time.Time) {
	finished := t.lastAt
	r.FinishedAt, r.LastSeq = &finished, t.LastSeq
	t.unlive(r)
	if t.current == r {
		t.current = nil
		s.letGo(t)
	}
	switch {
	case t.current != nil: // another run's turn goes on
	case len(t.live) > 0:
		s.becomeDue(t, at)
	default:
		t.due = time.Time{}
	}
}

// letGo takes the thread from its node.
func (s *Store) letGo(t *thread) {
	if n := s.nodes[t.node]; n != nil {
		delete(n.holds, t)
		delete(n.inbox, t)
	}
	t.node, t.dead, t.marked, t.due = "", false, false, time.Time{}
}

// copyOf keeps a failure apart from whoever handed it in.
func copyOf(f *reeve.Failure) *reeve.Failure {
	if f == nil {
		return nil
	}
	c := *f
	c.Paths = slices.Clone(f.Paths)
	return &c
}

func conflict(format string, args ...any) error {
	return reeve.Errorf(reeve.CodeConflict, format, args...)
}

func fenced(format string, args ...any) error {
	return reeve.Errorf(reeve.CodeFenced, format, args...)
}
