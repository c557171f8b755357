package sessionsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// ResetSession implements driver.SessionResetter: database/sql takes the
// connection out of its idle ones for somebody.
func (c *WatchedConn) ResetSession(ctx context.Context) error {
	if !c.w.gate.unpark(c) {
		return driver.ErrBadConn // it lives on in another wrapper
	}
	err := reset(ctx, c.raw)
	if errors.Is(err, driver.ErrBadConn) {
		return err
	}
	c.checkOut(ctx) // database/sql goes on after any other error
	return err
}

// IsValid implements driver.Validator: the connection comes back. A false makes
// database/sql close the wrapper.
func (c *WatchedConn) IsValid() bool {
	if !c.checkIn() {
		return false
	}
	if v, ok := c.raw.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	return c.w.gate.park(c)
}

// checkIn ends the hold, and says whether the connection may be used again: it was
// not taken away, and nothing is left on it.
func (c *WatchedConn) checkIn() bool {
	hold := c.hold
	c.hold, c.unclaimed = nil, false
	if l := c.linked(); l != nil {
		l.tidy()
	}
	if c.left.Lock {
		c.left.Lock = stillLocked(c.raw)
	}
	if hold == nil || !c.mine {
		return c.left.String() == "" || c.w.guard.Mode(session.RuleDirty) != session.Enforce // DoConn has told it
	}
	dirty := false
	if what := c.left.String(); what != "" {
		err := hold.RefuseDirty(what)
		c.w.guard.Report(err)
		dirty = err != nil
	}
	return hold.End(session.Released, nil) && !dirty
}

// lockBound is how long the question about locks may take.
const lockBound = time.Second

// stillLocked asks the server whether a lock is left: the words of statements do not
// tell whether it was got, and how many times. Where it cannot be asked, one is.
func stillLocked(raw driver.Conn) bool {
	q, ok := raw.(driver.QueryerContext)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockBound)
	defer cancel()
	rows, err := q.QueryContext(ctx, leftover.LockQuery, nil)
	if err != nil {
		return true
	}
	err = rows.Next(make([]driver.Value, 1))
	return rows.Close() != nil || !errors.Is(err, io.EOF)
}

// Close implements driver.Conn.
func (c *WatchedConn) Close() error {
	if c.hold != nil {
		if c.mine {
			c.hold.End(session.Released, nil)
		}
		c.hold = nil
	}
	if !c.w.gate.unpark(c) {
		return nil
	}
	c.w.gate.mu.Lock()
	l := c.part()
	c.w.gate.mu.Unlock()
	if l == nil {
		return nil
	}
	err := l.close()
	c.w.gate.leave()
	return err
}
