package sessionsql

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// WatchedConn is the driver's connection as a watched database sees it. All but
// take is called under database/sql's lock of the connection.
type WatchedConn struct {
	w         *watcher
	raw       driver.Conn // the driver's own
	link      *link       // to it, while it is this wrapper's; changed under the gate's lock
	take      func(busy bool)
	hold      *session.Hold // of whoever has the connection; nil in the pool
	mine      bool          // the hold is of Watch, not of Do
	unclaimed bool          // it was opened ahead, and nobody has used it
	inTx      bool
	left      leftover.Notes
	nest      error  // why the first statement is refused
	cut       string // the query whose rows a commit has cut off
}

func newWatchedConn(w *watcher, l *link) *WatchedConn {
	c := &WatchedConn{w: w, raw: l.conn, link: l}
	c.take = c.taken // once, not for each that takes the connection
	return c
}

// Unwrap is the driver's own connection.
func (c *WatchedConn) Unwrap() driver.Conn { return c.raw }

// part gives the connection away. The caller has the gate's lock.
func (c *WatchedConn) part() *link {
	l := c.link
	c.link = nil
	return l
}

// linked is the way to the connection, while it is this wrapper's.
func (c *WatchedConn) linked() *link {
	c.w.gate.mu.Lock()
	defer c.w.gate.mu.Unlock()
	return c.link
}

// checkOut begins a hold: somebody has got the connection. A refusal must wait for
// the first statement: database/sql takes none here.
func (c *WatchedConn) checkOut(ctx context.Context) {
	hold, mine, err := c.w.guard.Admit(ctx)
	c.nest = err
	c.begin(hold, mine)
}

func (c *WatchedConn) begin(hold *session.Hold, mine bool) {
	c.left, c.cut, c.inTx, c.unclaimed = leftover.Notes{}, "", false, false
	c.hold, c.mine = hold, mine
	if mine {
		hold.Start(nil, c.take)
	}
}

// taken destroys a connection that is held for too long. Where a call of the driver
// is going on, it is that call's to do, when it returns.
func (c *WatchedConn) taken(busy bool) {
	if !busy {
		time.AfterFunc(0, c.destroy) // a driver may take its time
	}
}

func (c *WatchedConn) destroy() {
	c.w.gate.mu.Lock()
	l := c.part()
	c.w.gate.mu.Unlock()
	if l != nil {
		_ = l.close() // its holder is told by the next call
		c.w.gate.leave()
	}
}

// enterWith is enter for the calls that may be a holder's first.
func (c *WatchedConn) enterWith(ctx context.Context, op session.Op) error {
	if c.unclaimed {
		c.checkOut(ctx)
	}
	return c.enter(op)
}

// enter begins a call of the driver. It is refused when the hold has ended, because
// the watchdog took it, and when there is none, because somebody has kept the driver's
// connection beyond its release. A unit of Do has claimed itself for the statement; what
// comes after its end is its rollback.
func (c *WatchedConn) enter(op session.Op) error {
	switch {
	case c.nest != nil:
		return c.nest
	case c.hold == nil:
		return c.w.guard.RefuseReleased(op)
	case c.mine:
		return c.hold.Enter(op)
	}
	return nil
}

func (c *WatchedConn) exit(op session.Op) {
	if c.mine && c.hold != nil && !c.hold.Exit(op) {
		c.destroy()
	}
}

// bound lets a statement end when its session is taken away. The statements of a unit
// of Do are bound already.
func (c *WatchedConn) bound(ctx context.Context) (context.Context, func()) {
	if !c.mine {
		return ctx, func() {}
	}
	return c.hold.Bound(ctx)
}

// explain says of a statement that failed because its session was taken away who did that.
func (c *WatchedConn) explain(op session.Op, err error) error {
	if err != nil && c.mine && c.hold.Taken() {
		return c.hold.Lost(op, err)
	}
	return err
}

// transact notes whether the holder is in a transaction.
func (c *WatchedConn) transact(is bool) {
	if c.inTx == is {
		return
	}
	c.inTx = is
	if c.mine {
		c.hold.InTx(is)
	}
}

// note takes note of what a statement leaves; one that failed leaves nothing.
func (c *WatchedConn) note(query string, err error) {
	if err != nil {
		c.w.broken(err)
		return
	}
	before := c.left.Tx
	c.left.Add(query)
	if c.left.Tx != before {
		c.transact(c.left.Tx)
	}
}
