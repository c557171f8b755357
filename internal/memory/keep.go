package memory

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/reeve-run/reeve"
)

// CreateThread makes an empty thread; its epoch, positions and time are the store's to give.
func (s *Store) CreateThread(ctx context.Context, row reeve.Thread) (reeve.Thread, error) {
	if err := s.lock(ctx); err != nil {
		return reeve.Thread{}, err
	}
	defer s.mu.Unlock()
	if s.threads[row.ID] != nil {
		return reeve.Thread{}, conflict("thread %s is there already", row.ID)
	}
	return s.addThread(row, now()).Thread, nil
}

// Prune removes old ended runs from the fronts of threads. It looks at every thread, but
// at no more than limit runs that could go.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit < 1 {
		return 0, reeve.Errorf(reeve.CodeInvalid, "limit %d: want 1 or more", limit)
	}
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	pruned := 0
	for _, t := range s.all.threads {
		if pruned == limit {
			break
		}
		n := t.prunable(before, limit-pruned)
		t.prune(n)
		pruned += n
	}
	if pruned > 0 {
		s.forget(func(*thread) bool { return false }, func(r *run) bool { return r.pruned })
	}
	return pruned, nil
}

// prunable is how many runs can go from the thread's front: old and ended, and none of
// their entries behind the first entry of one that stays.
func (t *thread) prunable(before time.Time, limit int) int {
	whole := 0
	last := int64(0)
	for i, r := range t.runs[:min(limit, len(t.runs))] {
		if !r.Status.Ended() || !r.FinishedAt.Before(before) {
			break
		}
		last = max(last, r.LastSeq)
		if i+1 == len(t.runs) || last < t.runs[i+1].FirstSeq {
			whole = i + 1
		}
	}
	return whole
}

// prune removes the first n runs and every entry before the next one's first.
func (t *thread) prune(n int) {
	if n == 0 {
		return
	}
	for _, r := range t.runs[:n] {
		r.pruned = true
		delete(t.keys, r.key)
	}
	t.runs = slices.Clone(t.runs[n:])
	t.firstRun += int64(n)
	first := t.LastSeq + 1
	if len(t.runs) > 0 {
		first = t.runs[0].FirstSeq
	}
	t.log = slices.Clone(t.log[first-t.FirstSeq:])
	t.FirstSeq = first
}

// DeleteThread removes a thread and all that is its. Threads made later have another
// epoch and higher fences, so that in a new one of the same id a client's old position
// means nothing and an owner's old fence opens nothing.
func (s *Store) DeleteThread(ctx context.Context, owner string, id reeve.ThreadID) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t, err := s.thread(owner, id)
	if err != nil {
		return err
	}
	if len(t.live) > 0 {
		return conflict("thread %s has run %s, which has not ended: cancel it first", id, t.head().ID)
	}
	delete(s.threads, id)
	s.epoch++
	s.fences = max(s.fences, t.fence)
	s.forget(func(other *thread) bool { return other == t }, func(r *run) bool { return r.Thread == id })
	return nil
}

// forget takes what is gone out of the lists.
func (s *Store) forget(thread func(*thread) bool, run func(*run) bool) {
	s.all.forget(thread, run)
	for name, own := range s.owners {
		own.forget(thread, run)
		if len(own.threads) == 0 {
			delete(s.owners, name)
		}
	}
}

func (l *listing) forget(thread func(*thread) bool, run func(*run) bool) {
	l.threads = slices.DeleteFunc(l.threads, thread)
	l.runs = slices.DeleteFunc(l.runs, run)
}

// Check says that the store is open, and what it holds.
func (s *Store) Check(ctx context.Context) (map[string]string, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	return map[string]string{
		"store":   "memory",
		"durable": "no: everything is lost when the process ends",
		"threads": strconv.Itoa(len(s.all.threads)),
		"runs":    strconv.Itoa(len(s.all.runs)),
	}, nil
}
