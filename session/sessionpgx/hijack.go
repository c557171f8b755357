package sessionpgx

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/reeve-run/reeve/session"
)

// settle ends the units whose connections were hijacked: pgx tells no tracer of it, but
// the pool then has fewer connections acquired than are held. Which they are is not
// known, so it goes by what they are for: the one that listens, and of the others the oldest.
func (w *watcher) settle() {
	missing := w.missing()
	if missing <= 0 {
		return
	}
	time.Sleep(time.Millisecond) // what comes and goes in this moment is not missing
	if missing = min(missing, w.missing()); missing <= 0 {
		return
	}
	var held []*state
	since := map[*state]*session.Hold{}
	w.guard.Each(func(h *session.Hold, owner any) {
		if s, ok := owner.(*state); ok && h.InUse() == "" {
			held = append(held, s)
			since[s] = h
		}
	})
	slices.SortStableFunc(held, func(a, b *state) int { return cmp.Compare(rank(a), rank(b)) })
	for _, s := range held[:min(missing, len(held))] {
		if h := since[s]; s.hold.CompareAndSwap(h, nil) {
			s.hijacked.Store(true)
			w.held.Add(-1)
			h.End(session.Released, nil)
		}
	}
}

func rank(s *state) int {
	if s.listens.Load() {
		return 0
	}
	return 1
}

// missing is how many connections are held that the pool does not count. A connection
// is counted before it is held and after it is released, so one look at the wrong moment may
// find one too many; the least of three counts.
func (w *watcher) missing() int {
	p := w.pool.Value()
	if p == nil {
		return 0
	}
	least := int64(math.MaxInt64)
	for range 3 {
		before := p.Stat().AcquiredConns()
		held := w.held.Load()
		after := p.Stat().AcquiredConns()
		least = min(least, held-int64(max(before, after)))
	}
	return int(least)
}
