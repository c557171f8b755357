package sessionsql

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/reeve-run/reeve/session"
)

// gate is the limit of a watched database's connections. It stands where
// database/sql's own limit would, because a wait in there is seen by no driver and
// ended by nobody but the context. database/sql itself is left without a limit: it
// calls Connect when it has nothing idle, and waits there.
//
// A connection that comes back while somebody waits is handed over: database/sql
// is told that it is invalid, closes its wrapper, and the connection goes on in
// another. One that lies idle in database/sql is taken from under its wrapper the
// same way when a caller has missed it by a moment.
type gate struct {
	mu      sync.Mutex
	size    int // 0 is no limit
	open    int // connections, and leave to open one
	closed  bool
	idle    []*WatchedConn
	waiting []chan *link // a nil link is leave to open one

	lifetime time.Duration // beyond which a connection is not handed over; 0 is none
}

// errClosed is database/sql's own, which it does not export.
var errClosed = errors.New("sql: database is closed")

// close ends the waits: the database is closed.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, turn := range g.waiting {
		close(turn)
	}
	g.waiting = nil
}

// old says whether a connection is beyond its lifetime.
func (g *gate) old(l *link) bool { return g.lifetime > 0 && time.Since(l.born) > g.lifetime }

// enter gives a connection, or leave to open one (nil). Leave that is not used
// must be given back by leave.
func (g *gate) enter(ctx context.Context, guard *session.Guard) (*link, error) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, errClosed
	}
	if n := len(g.idle); n > 0 && g.size > 0 {
		l := g.idle[n-1].part()
		g.idle = g.idle[:n-1]
		g.mu.Unlock()
		if g.old(l) {
			_ = l.close()
			return nil, nil // its place is leave to open one
		}
		return l, nil
	}
	if g.size == 0 || g.open < g.size {
		g.open++
		g.mu.Unlock()
		return nil, nil
	}
	t := turns.Get().(*turn)
	g.waiting = append(g.waiting, t.c)
	g.mu.Unlock()
	l, err := g.await(ctx, guard, t)
	if !errors.Is(err, errClosed) {
		turns.Put(t)
	}
	return l, err
}

// turn is what a wait needs; it is used again.
type turn struct {
	c    chan *link // empty between its uses
	soon *time.Timer
}

var turns = sync.Pool{New: func() any {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &turn{make(chan *link, 1), t}
}}

// briefly is how long a wait may last before the guard is told of it, which costs
// more than most waits of a busy pool take.
const briefly = 5 * time.Millisecond

func (g *gate) await(ctx context.Context, guard *session.Guard, t *turn) (*link, error) {
	t.soon.Reset(briefly)
	defer t.soon.Stop()
	select {
	case l, open := <-t.c:
		return taken(l, open)
	case <-ctx.Done():
		return nil, g.giveUp(t.c, ctx.Err())
	case <-t.soon.C:
	}
	w := guard.Wait(ctx, g.size)
	defer w.Done()
	select {
	case l, open := <-t.c:
		return taken(l, open)
	case <-w.Context().Done():
		return nil, g.giveUp(t.c, w.Context().Err())
	}
}

// taken is what came of a turn: a closed one says that the database is closed.
func taken(l *link, open bool) (*link, error) {
	if !open {
		return nil, errClosed
	}
	return l, nil
}

// giveUp ends a wait for the reason given. The turn may come in the same moment: then it
// is for the next.
func (g *gate) giveUp(turn chan *link, why error) error {
	g.mu.Lock()
	i := slices.Index(g.waiting, turn)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i >= 0 {
		return why
	}
	l, open := <-turn
	if !open {
		return errClosed
	}
	if l == nil || !g.handOver(l) {
		if l != nil {
			_ = l.close() // nobody waits, and database/sql does not know it
		}
		g.leave()
	}
	return why
}

// leave gives room back: a connection was closed, or not opened.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		g.waiting[0] <- nil
		g.waiting = slices.Delete(g.waiting, 0, 1)
		return
	}
	g.open--
}

// handOver gives a connection to who waits longest; false when nobody does.
func (g *gate) handOver(c *link) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return false
	}
	g.waiting[0] <- c
	g.waiting = slices.Delete(g.waiting, 0, 1)
	return true
}

// park takes a connection that database/sql is about to keep idle. It says
// whether database/sql may: otherwise the connection was handed over.
func (g *gate) park(c *WatchedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.link == nil || len(g.waiting) > 0 && g.old(c.link) {
		return false
	}
	if len(g.waiting) > 0 {
		g.waiting[0] <- c.part()
		g.waiting = slices.Delete(g.waiting, 0, 1)
		return false
	}
	g.idle = append(g.idle, c)
	return true
}

// unpark takes a connection out of the idle ones; false when it was taken from
// under its wrapper.
func (g *gate) unpark(c *WatchedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.idle, c); i >= 0 {
		g.idle = slices.Delete(g.idle, i, i+1)
	}
	return c.link != nil
}
