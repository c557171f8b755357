package supervisor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// suspicions is how many looks in a row must see a run running here and in nobody's hands.
const suspicions = 3

// doubts is the threads that a commit of unknown outcome may have given to this node. The
// store says whose they are only by refusing, so a thread that is found running and in
// nobody's hands, look after look, ends the term: that frees it.
type doubts struct {
	mu      sync.Mutex
	threads map[reeve.ThreadID]int // looks that found it so
	found   bool
}

func newDoubts() *doubts { return &doubts{threads: map[reeve.ThreadID]int{}} }

// unsure says whether the op may have been written although it was answered by err.
func unsure(err error) bool {
	e, ok := errors.AsType[*reeve.Error](err)
	return !ok || e.Code == reeve.CodeUnavailable || e.Code == reeve.CodeInternal
}

func (d *doubts) add(thread reeve.ThreadID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.threads[thread]; !known {
		d.threads[thread] = 0
	}
}

func (d *doubts) list() []reeve.ThreadID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.threads))
}

// saw notes a look's verdict of a thread.
func (d *doubts) saw(thread reeve.ThreadID, stranded bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !stranded {
		delete(d.threads, thread)
		return
	}
	d.threads[thread]++
	d.found = d.found || d.threads[thread] >= suspicions
}

func (d *doubts) confirmed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found
}

// settle forgets every doubt: a new term holds nothing.
func (d *doubts) settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.threads)
	d.found = false
}

// examine looks at the threads in doubt. What cannot be read stays in doubt.
func (s *Supervisor) examine(ctx context.Context) {
	for _, thread := range s.doubts.list() {
		unit, cancel := context.WithTimeout(ctx, unitBound)
		runs, err := s.cfg.Journal.Runs(unit, journal.RunQuery{Thread: thread, Status: reeve.StatusRunning, Limit: 1})
		cancel()
		if err == nil || reeve.CodeOf(err) == reeve.CodeNotFound {
			s.doubts.saw(thread, len(runs) > 0 && s.table.of(runs[0].ID) == nil)
		}
	}
}
