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

// BeginTx implements driver.ConnBeginTx.
func (c *WatchedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.enterWith(ctx, session.OpBegin); err != nil {
		return nil, err
	}
	tx, err := c.beginTx(ctx, opts)
	c.exit(session.OpBegin)
	if err != nil {
		c.w.broken(err)
		return nil, err
	}
	c.left.Begin()
	c.cut = ""
	c.transact(true)
	return watchedTx{c, tx}, nil
}

func (c *WatchedConn) beginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
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
	if err := c.enterWith(ctx, session.OpExec); err != nil {
		return err
	}
	defer c.exit(session.OpExec)
	if p, ok := c.raw.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *WatchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	exec := execer(c.raw)
	if exec == nil {
		return nil, driver.ErrSkip
	}
	if err := c.enterWith(ctx, session.OpExec); err != nil {
		return nil, err
	}
	ctx, over := c.bound(ctx)
	res, err := exec(ctx, query, args)
	over()
	c.note(query, err)
	c.exit(session.OpExec)
	return res, c.explain(session.OpExec, err)
}

// QueryContext implements driver.QueryerContext.
func (c *WatchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	queryer := queryer(c.raw)
	if queryer == nil {
		return nil, driver.ErrSkip
	}
	if err := c.enterWith(ctx, session.OpQuery); err != nil {
		return nil, err
	}
	bound, over := c.bound(ctx)
	rows, err := queryer(bound, query, args)
	c.note(query, err)
	c.exit(session.OpQuery)
	return c.watchRows(ctx, rows, c.explain(session.OpQuery, err), query, over)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *WatchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.enterWith(ctx, session.OpPrepare); err != nil {
		return nil, err
	}
	defer c.exit(session.OpPrepare)
	l := c.linked()
	if l == nil {
		return nil, driver.ErrBadConn
	}
	if left := l.adopt(query); left != nil {
		return &watchedStmt{c: c, link: l, inner: left.inner, opened: left.opened, query: query}, nil
	}
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		c.w.broken(err)
		return nil, err
	}
	return &watchedStmt{c: c, link: l, inner: stmt, opened: l.note(stmt), query: query}, nil
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
