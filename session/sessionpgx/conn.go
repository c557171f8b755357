package sessionpgx

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// Conn is the unit that DoConn gives to its function: one connection, without a
// transaction around it.
type Conn struct {
	unit
	left leftover.Notes
}

// DoConn runs fn with one connection of p and no transaction: for what belongs to
// a connection, such as an advisory lock or LISTEN, and for statements that refuse to
// run in a transaction. What fn leaves on the connection (a transaction begun by a
// statement, a lock, a setting) is an error of rule dirty, and the connection is
// destroyed, so that nobody inherits it.
func DoConn(ctx context.Context, p *pgxpool.Pool, fn func(context.Context, *Conn) error) error {
	q := newPool(p, nil)
	hold, err := q.guard.Open(ctx)
	if err != nil {
		return err
	}
	conn, err := q.acquire(hold)
	if err != nil {
		hold.End(session.Failed, err)
		return fmt.Errorf("acquire a connection: %w", err)
	}
	return run(hold, &Conn{unit: q.unit(hold, conn)}, fn)
}

// Exec runs a statement without rows.
func (c *Conn) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := c.hold.Enter(session.OpExec); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := c.conn.Exec(c.own(ctx), sql, args...)
	c.left.Add(sql)
	c.exit(session.OpExec)
	return tag, c.explain(session.OpExec, err)
}

// Query runs a statement with rows, which keep the connection busy until they are closed.
func (c *Conn) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return c.query(ctx, noting{c}, sql, args)
}

// QueryRow runs a statement with at most one row, which keeps the connection busy until it is scanned.
func (c *Conn) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return c.queryRow(ctx, noting{c}, sql, args)
}

// SendBatch sends statements in one round trip; the results keep the connection busy until they are closed.
func (c *Conn) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return c.sendBatch(ctx, noting{c}, b)
}

// WaitForNotification waits for a notification of a channel that the connection listens to.
func (c *Conn) WaitForNotification(ctx context.Context) (*pgconn.Notification, error) {
	if err := c.hold.Enter(session.OpConn); err != nil {
		return nil, err
	}
	n, err := c.conn.Conn().WaitForNotification(ctx)
	c.exit(session.OpConn)
	return n, c.explain(session.OpConn, err)
}

// noting notes what statements leave on the connection; it is called by who has entered the unit.
type noting struct{ c *Conn }

func (n noting) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	n.c.left.Add(sql)
	return n.c.conn.Query(ctx, sql, args...)
}

func (n noting) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	n.c.left.Add(sql)
	return n.c.conn.QueryRow(ctx, sql, args...)
}

func (n noting) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		n.c.left.Add(q.SQL)
	}
	return n.c.conn.SendBatch(ctx, b)
}

func (c *Conn) finish(context.Context) error {
	err := c.hold.Close(session.OpClose)
	if what := leftBehind(&c.left, c.conn.Conn()); err == nil && what != "" {
		err = c.hold.RefuseDirty(what)
		c.raw = c.raw || err != nil
	}
	if err != nil {
		c.abort(session.RolledBack, err)
		return err
	}
	c.hold.End(session.Released, nil)
	c.release()
	return nil
}

func (c *Conn) abort(how session.End, cause error) {
	c.raw = c.raw || c.left.String() != "" && c.hold.Mode(session.RuleDirty) == session.Enforce
	c.unit.abort(how, cause)
}
