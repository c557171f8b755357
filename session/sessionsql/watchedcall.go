package sessionsql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/reeve-run/reeve/session"
)

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
