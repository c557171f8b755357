package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// defaultMaxBytes bounds the data of one reading of entries.
const defaultMaxBytes = 8 << 20

// Thread reads a thread's row.
func (s *Store) Thread(ctx context.Context, id reeve.ThreadID) (reeve.Thread, error) {
	if err := s.rlock(ctx); err != nil {
		return reeve.Thread{}, err
	}
	defer s.mu.RUnlock()
	t, err := s.thread("", id)
	if err != nil {
		return reeve.Thread{}, err
	}
	return t.Thread, nil
}

// Run reads a run's row.
func (s *Store) Run(ctx context.Context, id reeve.RunID) (reeve.Run, error) {
	if err := s.rlock(ctx); err != nil {
		return reeve.Run{}, err
	}
	defer s.mu.RUnlock()
	_, r, err := s.run(id)
	if err != nil {
		return reeve.Run{}, err
	}
	return r.Run, nil
}

// Threads pages through threads, newest first.
func (s *Store) Threads(ctx context.Context, q journal.ThreadQuery) ([]reeve.Thread, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	list := s.listed(q.Owner).threads
	if q.Before != "" {
		last, err := s.thread(q.Owner, q.Before)
		if err != nil {
			return nil, errCursor(string(q.Before))
		}
		list = upTo(list, last, func(t *thread) int64 { return t.made })
	}
	list = list[max(0, len(list)-q.Limit):]
	page := make([]reeve.Thread, 0, len(list))
	for _, t := range slices.Backward(list) {
		page = append(page, t.Thread)
	}
	return page, nil
}

// Runs pages through runs, newest first.
func (s *Store) Runs(ctx context.Context, q journal.RunQuery) ([]reeve.Run, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	list := s.runsFor(q)
	if q.Before != "" {
		_, last, err := s.run(q.Before)
		if err != nil {
			return nil, errCursor(string(q.Before))
		}
		list = upTo(list, last, func(r *run) int64 { return r.made })
	}
	var page []reeve.Run
	for _, r := range slices.Backward(list) {
		if len(page) == q.Limit {
			break
		}
		if matches(r, q) {
			page = append(page, r.Run)
		}
	}
	return page, nil
}

// listed is the owner's list, or everybody's.
func (s *Store) listed(owner string) *listing {
	if owner == "" {
		return &s.all
	}
	if own := s.owners[owner]; own != nil {
		return own
	}
	return &listing{}
}

// runsFor is the shortest list that holds every run of the query.
func (s *Store) runsFor(q journal.RunQuery) []*run {
	if q.Thread == "" {
		return s.listed(q.Owner).runs
	}
	if t := s.threads[q.Thread]; t != nil {
		return t.runs
	}
	return nil
}

func matches(r *run, q journal.RunQuery) bool {
	return (q.Owner == "" || r.Owner == q.Owner) &&
		(q.Agent == "" || r.Agent == q.Agent) &&
		(q.Status == "" || r.Status == q.Status) &&
		(q.Created.IsZero() || r.CreatedAt.Before(q.Created))
}

// upTo is the part of a list that was made before last.
func upTo[T any](list []T, last T, made func(T) int64) []T {
	i, _ := slices.BinarySearchFunc(list, last, func(a, b T) int { return cmp.Compare(made(a), made(b)) })
	return list[:i]
}

func errCursor(before string) error {
	return reeve.Errorf(reeve.CodeInvalid, "cursor %q is not there any more: start again from the top", before)
}

// Entries reads a stretch of a thread's log.
func (s *Store) Entries(ctx context.Context, q journal.EntryQuery) ([]reeve.Entry, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	t, err := s.thread("", q.Thread)
	if err != nil {
		return nil, err
	}
	page := page{limit: q.Limit, maxBytes: cmp.Or(q.MaxBytes, defaultMaxBytes)}
	for e := range t.after(q) {
		if !wanted(e, q) {
			continue
		}
		if !page.add(e) {
			break
		}
	}
	return page.entries, nil
}

// after yields the entries after q.After: of the run where one is named, else all.
func (t *thread) after(q journal.EntryQuery) func(yield func(*reeve.Entry) bool) {
	return func(yield func(*reeve.Entry) bool) {
		if q.Run == "" {
			for i := max(0, q.After+1-t.FirstSeq); i < int64(len(t.log)); i++ {
				if !yield(&t.log[i]) {
					return
				}
			}
			return
		}
		r := t.run(q.Run)
		if r == nil {
			return
		}
		i, _ := slices.BinarySearch(r.seqs, q.After+1)
		for _, seq := range r.seqs[i:] {
			if !yield(&t.log[seq-t.FirstSeq]) {
				return
			}
		}
	}
}

func wanted(e *reeve.Entry, q journal.EntryQuery) bool {
	return e.Kind != q.Without && (q.Kinds == nil || slices.Contains(q.Kinds, e.Kind))
}

// page gathers entries until it is full.
type page struct {
	limit, maxBytes int
	bytes           int
	entries         []reeve.Entry
}

// add takes an entry and says whether it could. The first always fits.
func (p *page) add(e *reeve.Entry) bool {
	full := p.limit > 0 && len(p.entries) == p.limit
	if full || len(p.entries) > 0 && p.bytes+len(e.Data) > p.maxBytes {
		return false
	}
	p.bytes += len(e.Data)
	p.entries = append(p.entries, *e)
	return true
}

// Heads gives the last position of each thread that is there.
func (s *Store) Heads(ctx context.Context, ids []reeve.ThreadID) (map[reeve.ThreadID]reeve.Position, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	heads := make(map[reeve.ThreadID]reeve.Position, len(ids))
	for _, id := range ids {
		if t := s.threads[id]; t != nil {
			heads[id] = reeve.Position{Epoch: t.Epoch, Seq: t.LastSeq}
		}
	}
	return heads, nil
}
