package supervisor

import (
	"slices"
	"time"
)

const (
	// restEvery is how often a stopping node looks for runs that only wait.
	restEvery = 200 * time.Millisecond
	// lostReturn is how long functions may take to return once the node has given up on them.
	lostReturn = 2 * time.Second
)

// drain lets go of everything in hand: first of what only waits, after the grace period of
// the rest, and in the end of the threads themselves.
func (s *Supervisor) drain() {
	s.log.Info("the node is stopping", "runs", s.InFlight(), "grace", s.cfg.Grace)
	grace := time.NewTimer(s.cfg.Grace)
	defer grace.Stop()
	s.await(s.accepts.close(), grace.C)
	empty := s.table.empty()
	if s.rest(empty, grace.C) {
		return
	}
	for _, e := range s.table.list(nil) {
		e.letGo(reasonStopping)
	}
	if !s.await(empty, time.After(s.cfg.Engine.ReturnBound)) {
		s.abandon(empty)
	}
}

// await waits for done, the bound or Halt; it says whether done came.
func (s *Supervisor) await(done <-chan struct{}, bound <-chan time.Time) bool {
	select {
	case <-done:
		return true
	case <-bound:
	case <-s.life.Done():
	}
	return false
}

// rest waits for the grace period, and meanwhile lets go of runs that only wait.
func (s *Supervisor) rest(empty <-chan struct{}, grace <-chan time.Time) bool {
	every := time.NewTicker(restEvery)
	defer every.Stop()
	for {
		for _, e := range s.table.list(nil) {
			if e.ending.Load() == nil && e.rests() {
				e.letGo(reasonStopping)
			}
		}
		select {
		case <-empty:
			return true
		case <-grace:
			return false
		case <-s.life.Done():
			return false
		case <-every.C:
		}
	}
}

// abandon gives up the threads of what has not returned: leaving frees them.
func (s *Supervisor) abandon(empty <-chan struct{}) {
	if t := s.term.Load(); t != nil {
		t.lose(errHalted)
	}
	select {
	case <-empty:
		return
	case <-time.After(lostReturn):
	}
	left := s.table.list(nil)
	s.log.Warn("the node leaves while agents have not returned: they ignore the end of their context",
		"runs", len(left), "first", names(left))
}

// names is the runs of some of the executions, for a log line.
func names(list []*execution) []string {
	var runs []string
	for _, e := range list[:min(len(list), 20)] {
		runs = append(runs, string(e.run()))
	}
	slices.Sort(runs)
	return runs
}
