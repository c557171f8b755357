package sessionsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// WatchedConn is the driver's connection as a watched database sees it. All but
// the watchdog's part is used under database/sql's lock of the connection.
type WatchedConn struct {
	w     *watcher
	raw   driver.Conn // the driver's own
	inner driver.Conn // the same while it is this wrapper's; changed under the gate's lock
	hold  *session.Hold
	mine  bool // the hold is of Watch, not of Do
	left  leftover.Notes
	nest  error       // why the first statement is refused
	cut   string      // the query whose rows a commit has cut off
	use   atomic.Bool // a call of the driver is going on, or the watchdog has closed it
	taken atomic.Bool // held for too long
}

// Unwrap is the driver's own connection.
func (c *WatchedConn) Unwrap() driver.Conn { return c.raw }

// part gives the connection away. The caller has the gate's lock.
func (c *WatchedConn) part() driver.Conn {
	inner := c.inner
	c.inner = nil
	return inner
}

// checkOut begins a hold: somebody has got the connection.
func (c *WatchedConn) checkOut(ctx context.Context) {
	c.left, c.cut = leftover.Notes{}, ""
	// The error must wait for the first statement: database/sql takes none here.
	c.nest = c.w.guard.Nested(ctx)
	c.hold = c.w.guard.Watch(context.WithoutCancel(ctx))
	c.mine = c.hold != nil
	switch {
	case c.nest != nil:
		return
	case !c.mine:
		c.hold = c.w.guard.Of(ctx)
		return
	}
	c.hold.OnTaken(c.take)
}

// take destroys a connection that is held for too long: at once, or when the
// driver's call that is going on returns.
func (c *WatchedConn) take() {
	c.taken.Store(true)
	if c.use.CompareAndSwap(false, true) {
		c.destroy()
	}
}

func (c *WatchedConn) destroy() {
	c.w.gate.mu.Lock()
	inner := c.part()
	c.w.gate.mu.Unlock()
	if inner != nil {
		_ = inner.Close() // its holder is told by the next call
		c.w.gate.leave()
	}
}

// enter begins a call of the driver. It is refused when the hold has ended: the
// watchdog took it.
func (c *WatchedConn) enter(op session.Op) error {
	if c.nest != nil {
		return c.nest
	}
	if c.use.CompareAndSwap(false, true) {
		if !c.taken.Load() {
			return nil
		}
		c.exit()
	}
	if c.hold != nil {
		if err := c.hold.RefuseEnded(op); err != nil {
			return err
		}
	}
	return driver.ErrBadConn
}

func (c *WatchedConn) exit() {
	if c.taken.Load() {
		c.destroy()
		return
	}
	c.use.Store(false)
	if c.taken.Load() && c.use.CompareAndSwap(false, true) {
		c.destroy()
	}
}

// ResetSession implements driver.SessionResetter: database/sql takes the
// connection out of its idle ones for somebody.
func (c *WatchedConn) ResetSession(ctx context.Context) error {
	if !c.w.gate.unpark(c) {
		return driver.ErrBadConn // it lives on in another wrapper
	}
	if err := reset(ctx, c.raw); err != nil {
		return err
	}
	c.checkOut(ctx)
	return nil
}

// IsValid implements driver.Validator: the connection comes back. A false makes
// database/sql close the wrapper.
func (c *WatchedConn) IsValid() bool {
	if c.taken.Load() {
		return false
	}
	dirty := c.checkIn()
	if v, ok := c.raw.(driver.Validator); dirty || ok && !v.IsValid() {
		return false
	}
	return c.w.gate.park(c)
}

// checkIn ends the hold, and says whether something is left on the connection.
func (c *WatchedConn) checkIn() (dirty bool) {
	hold := c.hold
	c.hold = nil
	if hold == nil || !c.mine {
		return c.left.String() != "" // DoConn has told it
	}
	if what := c.left.String(); what != "" {
		err := hold.RefuseDirty(what)
		c.w.guard.Report(err)
		dirty = err != nil
	}
	hold.End(session.Released, nil)
	return dirty
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
	inner := c.part()
	c.w.gate.mu.Unlock()
	if inner == nil {
		return nil
	}
	err := inner.Close()
	c.w.gate.leave()
	return err
}

// BeginTx implements driver.ConnBeginTx.
func (c *WatchedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.enter(session.OpBegin); err != nil {
		return nil, err
	}
	defer c.exit()
	tx, err := c.begin(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.cut = ""
	return watchedTx{c, tx}, nil
}

func (c *WatchedConn) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.raw.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if opts != (driver.TxOptions{}) {
		return nil, errors.New("sessionsql: the driver knows no isolation levels and no read-only transactions")
	}
	return c.raw.Begin() //nolint:staticcheck // what such a driver has
}

// Begin implements driver.Conn.
func (c *WatchedConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Ping implements driver.Pinger.
func (c *WatchedConn) Ping(ctx context.Context) error {
	if err := c.enter(session.OpExec); err != nil {
		return err
	}
	defer c.exit()
	if p, ok := c.raw.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *WatchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e, ok := c.raw.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	if err := c.enter(session.OpExec); err != nil {
		return nil, err
	}
	defer c.exit()
	c.left.Add(query)
	return e.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c *WatchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.raw.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	if err := c.enter(session.OpQuery); err != nil {
		return nil, err
	}
	defer c.exit()
	c.left.Add(query)
	rows, err := q.QueryContext(ctx, query, args)
	return c.watchRows(rows, err, query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *WatchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.enter(session.OpPrepare); err != nil {
		return nil, err
	}
	defer c.exit()
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return &watchedStmt{c: c, inner: stmt, query: query}, nil
}

func (c *WatchedConn) prepare(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.raw.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	return c.raw.Prepare(query)
}

// Prepare implements driver.Conn.
func (c *WatchedConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *WatchedConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.raw.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// watchedTx is a transaction that was begun by hand, or by Do.
type watchedTx struct {
	c     *WatchedConn
	inner driver.Tx
}

// Commit refuses to commit what the author has not read to its end: database/sql
// has closed the rows by now, and would say nothing.
func (t watchedTx) Commit() error {
	if err := t.c.enter(session.OpCommit); err != nil {
		return err
	}
	defer t.c.exit()
	if t.c.cut != "" && t.c.hold != nil {
		if err := t.c.hold.RefuseRows(session.OpCommit, t.c.cut); err != nil {
			return errors.Join(err, t.inner.Rollback())
		}
	}
	return t.inner.Commit()
}

func (t watchedTx) Rollback() error {
	if err := t.c.enter(session.OpRollback); err != nil {
		return err
	}
	defer t.c.exit()
	return t.inner.Rollback()
}
