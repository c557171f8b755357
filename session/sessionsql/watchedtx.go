package sessionsql

import (
	"database/sql/driver"
	"errors"

	"github.com/reeve-run/reeve/session"
)

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
	defer t.c.exit(session.OpCommit)
	t.c.transact(false)
	if t.c.cut != "" && t.c.hold != nil {
		if err := t.c.hold.RefuseRows(session.OpCommit, t.c.cut); err != nil {
			return errors.Join(err, t.inner.Rollback())
		}
	}
	t.c.left.End(true)
	return t.inner.Commit()
}

func (t watchedTx) Rollback() error {
	if err := t.c.enter(session.OpRollback); err != nil {
		return err
	}
	defer t.c.exit(session.OpRollback)
	t.c.transact(false)
	t.c.left.End(false)
	return t.inner.Rollback()
}
