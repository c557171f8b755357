package session

import (
	"cmp"
	"slices"
	"sync"
)

// lot is one pool, whichever guards it has: its units, and who waits for its sessions.
type lot struct {
	mu      sync.Mutex
	tallies []*tally           // in which its units are listed; names are few
	away    map[*Hold]struct{} // units that were taken away, whose sessions are not back yet
	settle  func()             // brings the books in line with the pool
	queue   queue
}

func (l *lot) join(t *tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.tallies, t) {
		l.tallies = append(l.tallies, t)
	}
}

// open lists the units that hold a session of the pool.
func (l *lot) open() []*Hold {
	l.settled()
	l.mu.Lock()
	tallies := l.tallies
	open := make([]*Hold, 0, len(l.away))
	for h := range l.away {
		open = append(open, h)
	}
	l.mu.Unlock()
	for _, t := range tallies {
		t.each(func(h *Hold) {
			if h.guard.lot == l && h.state.Load() != waiting {
				open = append(open, h)
			}
		})
	}
	slices.SortStableFunc(open, func(a, b *Hold) int { return cmp.Compare(a.since, b.since) })
	return open
}

func (l *lot) settled() {
	l.mu.Lock()
	settle := l.settle
	l.mu.Unlock()
	if settle != nil {
		settle()
	}
}

// OnSettle sets what an adapter does before the guard relies on its books: it ends
// the units whose sessions have left the pool without a word.
func (g *Guard) OnSettle(settle func()) {
	g.lot.mu.Lock()
	defer g.lot.mu.Unlock()
	g.lot.settle = settle
}

// Away says that the unit has been taken away while its session still has its place
// in the pool: until Returned, it counts as one that somebody holds.
func (h *Hold) Away() {
	h.guard.lot.mu.Lock()
	defer h.guard.lot.mu.Unlock()
	if h.guard.lot.away == nil {
		h.guard.lot.away = map[*Hold]struct{}{}
	}
	h.guard.lot.away[h] = struct{}{}
}

// Returned says that the session is back in its pool.
func (h *Hold) Returned() {
	h.guard.lot.mu.Lock()
	defer h.guard.lot.mu.Unlock()
	delete(h.guard.lot.away, h)
}
