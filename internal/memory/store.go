package memory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var _ journal.Store = (*Store)(nil)

// Store is a journal.Store in memory. It is safe for concurrent use.
type Store struct {
	shared   bool
	onCommit func(batch []journal.Op, results []journal.Result)

	mu      sync.RWMutex
	closed  bool
	epoch   int64 // of threads made from now on
	fences  int64 // the highest fence of a deleted thread
	turns   int64 // the last turn given; turns only rise
	threads map[reeve.ThreadID]*thread
	all     listing
	owners  map[string]*listing
	ready   ready
	nodes   map[reeve.NodeID]*node
	paused  map[string]bool
}

// listing is what the paged lists read: threads and runs in the order of their making.
type listing struct {
	threads []*thread
	runs    []*run
}

// Option changes how a Store is made.
type Option func(*Store)

// Shared lets several nodes join: none is declared dead by another's Join, only by Kill.
func Shared() Option { return func(s *Store) { s.shared = true } }

// OnCommit has fn called after each Commit, before it returns, on the committer's
// goroutine and under no lock: what fn sees is durable, as far as memory is, and not yet
// known to whoever handed it in. Claims are not commits of a batch and are not shown.
func OnCommit(fn func(batch []journal.Op, results []journal.Result)) Option {
	return func(s *Store) { s.onCommit = fn }
}

// New makes an empty store.
func New(opts ...Option) *Store {
	s := &Store{
		epoch:   time.Now().UnixMilli(),
		threads: map[reeve.ThreadID]*thread{},
		owners:  map[string]*listing{},
		ready:   ready{},
		nodes:   map[reeve.NodeID]*node{},
		paused:  map[string]bool{},
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Close refuses everything from now on and lets go of what the store holds.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	clear(s.threads)
	clear(s.owners)
	clear(s.ready)
	clear(s.nodes)
	s.all = listing{}
	return nil
}

// lock begins a unit that may write. On error nothing is locked.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed()
	}
	return nil
}

// rlock begins a unit that only reads. On error nothing is locked.
func (s *Store) rlock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return errClosed()
	}
	return nil
}

func errClosed() error {
	return reeve.Errorf(reeve.CodeUnavailable, "the store is closed")
}

// now is the store's clock. Readings of the monotonic clock do not belong in a log.
func now() time.Time { return time.Now().UTC().Round(0) }

func (s *Store) turn() int64 {
	s.turns++
	return s.turns
}

// thread finds a thread of the owner ("" for any). What belongs to somebody else is not there.
func (s *Store) thread(owner string, id reeve.ThreadID) (*thread, error) {
	t := s.threads[id]
	if t == nil || owner != "" && t.Owner != owner {
		return nil, reeve.Errorf(reeve.CodeNotFound, "thread %s: not found", id)
	}
	return t, nil
}

// run finds a run and its thread.
func (s *Store) run(id reeve.RunID) (*thread, *run, error) {
	if t := s.threads[id.Thread()]; t != nil {
		if r := t.run(id); r != nil {
			return t, r, nil
		}
	}
	return nil, nil, reeve.Errorf(reeve.CodeNotFound, "run %s: not found", id)
}

// addThread makes an empty thread that is known not to be there.
func (s *Store) addThread(row reeve.Thread, at time.Time) *thread {
	row.Epoch, row.FirstSeq, row.LastSeq, row.CreatedAt = s.epoch, 1, 0, at
	row.Metadata = slices.Clone(row.Metadata)
	t := &thread{Thread: row, made: s.turn(), firstRun: 1, fence: s.fences, heapIndex: -1}
	s.threads[row.ID] = t
	own := s.owners[row.Owner]
	if own == nil {
		own = &listing{}
		s.owners[row.Owner] = own
	}
	s.all.threads = append(s.all.threads, t)
	own.threads = append(own.threads, t)
	return t
}

// addRun gives the thread its next run, queued.
func (s *Store) addRun(t *thread, a *journal.Accept, at time.Time) *run {
	id := reeve.MakeRunID(t.ID, t.firstRun+int64(len(t.runs)))
	r := &run{made: s.turn(), Run: reeve.Run{
		ID: id, Thread: t.ID, Owner: t.Owner, Agent: a.Agent, Version: a.Version, Status: reeve.StatusQueued,
		Input: inputOf(a), FirstSeq: t.LastSeq + 1, CreatedAt: at,
	}}
	t.runs = append(t.runs, r)
	t.live = append(t.live, r)
	s.all.runs = append(s.all.runs, r)
	s.owners[t.Owner].runs = append(s.owners[t.Owner].runs, r)
	return r
}

// Paused names the paused agents, sorted.
func (s *Store) Paused(ctx context.Context) ([]string, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.paused)), nil
}

// SetPaused pauses or resumes an agent: claims and Take pass over a paused one.
func (s *Store) SetPaused(ctx context.Context, agent string, paused bool) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if paused {
		s.paused[agent] = true
	} else {
		delete(s.paused, agent)
	}
	return nil
}
