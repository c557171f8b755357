package sessionsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/reeve-run/reeve/session"
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
	g := guardOf(db)
	hold, err := g.Open(ctx)
	if err != nil {
		return err
	}
	conn, err := connection(hold, db, g)
	if err != nil {
		hold.End(session.Failed, err)
		return fmt.Errorf("acquire a connection: %w", err)
	}
	c := &Conn{conn: conn}
	c.via, c.refuser, c.hold, c.left = conn, db, hold, new(leftover)
	c.release = c.giveBack
	return run(hold, c, fn)
}

func connection(hold *session.Hold, db *sql.DB, g *session.Guard) (*sql.Conn, error) {
	if size, full := exhausted(db); full {
		return acquire(hold, db, g, size)
	}
	return db.Conn(hold.Context())
}

// finish gives the connection back.
func (c *Conn) finish() error {
	err := c.hold.Close(session.OpClose)
	if err == nil {
		err = c.refuseRows(session.OpClose)
	}
	if what := c.left.what(); err == nil && what != "" {
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

// giveBack closes rows first: the Close of a connection waits for them.
func (c *Conn) giveBack() error {
	c.rows.close()
	if c.left.what() != "" {
		_ = c.conn.Raw(func(any) error { return driver.ErrBadConn }) // destroys it
		return nil
	}
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("give the connection back: %w", err)
	}
	return nil
}
