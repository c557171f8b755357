package sessionsql_test

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"github.com/reeve-run/reeve/session/sessiontest"
)

// breaking is a database whose connections break when its epoch ends: they begin no
// transaction any more, and answer no ping.
type breaking struct {
	*sessiontest.Database
	epoch atomic.Int64
}

func (b *breaking) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := b.Database.Connect(ctx)
	return &breakingConn{c, b, b.epoch.Load()}, err
}

type breakingConn struct {
	driver.Conn
	of    *breaking
	epoch int64
}

func (c *breakingConn) Ping(context.Context) error {
	if c.epoch != c.of.epoch.Load() {
		return driver.ErrBadConn
	}
	return nil
}

func (c *breakingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.Ping(ctx); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c *breakingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}
