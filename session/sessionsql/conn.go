package sessionsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// Conn is the unit that DoConn gives to its function: one connection, without a
// transaction around it.
type Conn struct {
	handle
	conn *sql.Conn
}

// Close always returns an *session.IllegalStateError: DoConn gives the
// connection back, when its function returns.
func (c *Conn) Close() error { return c.hold.RefuseByHand(session.OpClose) }

// DoConn runs fn with one connection of db and no transaction: for what belongs
// to a connection, such as an advisory lock, and for statements that refuse to
// run in a transaction. What fn leaves on the connection (a transaction begun by a
// statement, a lock, a setting) is an error of rule dirty, and the connection is
// destroyed, so that nobody inherits it.
func DoConn(ctx context.Context, db *sql.DB, fn func(context.Context, *Conn) error) error {
	s := sourceOf(db)
	p := pool{source: s, db: db, guard: s.guard}
	hold, err := p.guard.Open(ctx)
	if err != nil {
		return err
	}
	conn, err := p.connection(hold)
	if err != nil {
		hold.End(session.Failed, err)
		return fmt.Errorf("acquire a connection: %w", err)
	}
	c := &Conn{conn: conn}
	c.via, c.refuser, c.hold, c.left = conn, db, hold, new(leftover.Notes)
	c.release = c.giveBack
	return run(hold, c, fn)
}

func (p *pool) connection(hold *session.Hold) (*sql.Conn, error) {
	defer p.source.pending.Add(-1)
	if size, full := p.exhausted(); full {
		return p.acquire(hold, size)
	}
	return p.db.Conn(hold.Context())
}

// finish gives the connection back.
func (c *Conn) finish() error {
	err := c.hold.Close(session.OpClose)
	if err == nil {
		err = c.refuseRows(session.OpClose)
	}
	if err == nil && c.left.Lock {
		c.left.Lock = c.stillLocked()
	}
	if what := c.left.String(); err == nil && what != "" {
		err = c.hold.RefuseDirty(what)
	}
	if err != nil {
		c.abort(session.RolledBack, err)
		return err
	}
	err = c.giveBack()
	c.hold.End(session.Released, err)
	return err
}

// stillLocked asks the server, as a watched connection does.
func (c *Conn) stillLocked() bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.hold.Context()), lockBound)
	defer cancel()
	err := c.conn.QueryRowContext(ctx, leftover.LockQuery).Scan(new(int))
	return !errors.Is(err, sql.ErrNoRows)
}

// giveBack closes rows first: the Close of a connection waits for them.
func (c *Conn) giveBack() error {
	c.rows.close()
	if c.left.String() != "" && c.hold.Mode(session.RuleDirty) == session.Enforce {
		_ = c.conn.Raw(func(any) error { return driver.ErrBadConn }) // destroys it
		return nil
	}
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("give the connection back: %w", err)
	}
	return nil
}
