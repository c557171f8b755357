package sessionsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// Tx is the unit that Do gives to its function: a transaction that knows its
// owner and its end. It has the methods of *sql.Tx that statements need, so
// that sqlc, gorm and hand-written queries take it as it is. One goroutine after
// another may use it; two at once, and any after the end, get an
// *session.IllegalStateError.
type Tx struct {
	handle
	tx   *sql.Tx
	conn *sql.Conn // where it was waited for; nil otherwise
}

func newTx(tx *sql.Tx, conn *sql.Conn, hold *session.Hold) *Tx {
	t := &Tx{tx: tx, conn: conn}
	t.via, t.refuser, t.hold = tx, tx, hold
	t.release = t.rollback
	hold.InTx(true)
	return t
}

func (t *Tx) rollback() error { return t.giveBack(t.tx.Rollback()) }

func (t *Tx) giveBack(err error) error {
	if t.conn == nil {
		return err
	}
	return errors.Join(err, t.conn.Close())
}

// ExecContext runs a statement without rows. It is the handle's, with a short way for
// what nearly all statements are: nothing has to be looked at but the unit's state.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.hold.Enter(session.OpExec); err != nil {
		return nil, err
	}
	if t.hold.Bounded() || leftover.MayEnd(query) {
		return t.exec(ctx, query, args)
	}
	res, err := t.tx.ExecContext(ctx, query, args...)
	if !t.hold.Exit(session.OpExec) {
		_ = t.release() // the unit's owner has its error already
	}
	if err != nil {
		return nil, t.explain(session.OpExec, err)
	}
	return res, nil
}

// StmtContext gives the unit's own form of a statement that was prepared on the
// pool. Prefer ExecStmt, QueryStmt and QueryRowStmt, which look at the unit's state at
// each execution.
func (t *Tx) StmtContext(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	if err := t.hold.Enter(session.OpStmt); err != nil {
		return t.tx.StmtContext(refuse(err), stmt)
	}
	s := t.tx.StmtContext(ctx, stmt)
	t.exit(session.OpStmt)
	return s
}

// ExecStmt runs a statement that was prepared on the pool, in this unit.
func (t *Tx) ExecStmt(ctx context.Context, stmt *sql.Stmt, args ...any) (sql.Result, error) {
	if err := t.hold.Enter(session.OpExec); err != nil {
		return nil, err
	}
	res, err := t.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	t.exit(session.OpExec)
	if err != nil {
		return nil, t.explain(session.OpExec, err)
	}
	return res, nil
}

// QueryStmt runs a statement that was prepared on the pool, in this unit.
func (t *Tx) QueryStmt(ctx context.Context, stmt *sql.Stmt, args ...any) (*sql.Rows, error) {
	if err := t.hold.Enter(session.OpQuery); err != nil {
		return nil, err
	}
	rows, err := t.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	if err == nil {
		t.rows.add(rows, "a prepared statement")
	}
	t.exit(session.OpQuery)
	if err != nil {
		return nil, t.explain(session.OpQuery, err)
	}
	return rows, nil
}

// QueryRowStmt runs a statement that was prepared on the pool, in this unit.
func (t *Tx) QueryRowStmt(ctx context.Context, stmt *sql.Stmt, args ...any) *sql.Row {
	if err := t.hold.Enter(session.OpQueryRow); err != nil {
		return t.tx.QueryRowContext(refuse(err), "")
	}
	row := t.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	t.exit(session.OpQueryRow)
	return row
}

// Commit always returns an *session.IllegalStateError: Do commits, when its
// function returns nil.
func (t *Tx) Commit() error { return t.hold.RefuseByHand(session.OpCommit) }

// Rollback always returns an *session.IllegalStateError: Do rolls back, when
// its function returns an error.
func (t *Tx) Rollback() error { return t.hold.RefuseByHand(session.OpRollback) }

// finish ends the unit with a commit, or with a rollback and the reason why it
// could not be committed.
func (t *Tx) finish() error {
	err := t.hold.Close(session.OpCommit)
	if err == nil {
		err = t.refuseRows(session.OpCommit)
	}
	if ended := t.hold.Context().Err(); err == nil && ended != nil {
		// Commit asks a context below this one, which hears of the end a moment later: it might still commit.
		err = fmt.Errorf("commit: %w", t.hold.Lost(session.OpCommit, ended))
	}
	if err != nil {
		t.abort(session.RolledBack, err)
		return err
	}
	if err := t.giveBack(t.tx.Commit()); err != nil {
		err = t.explain(session.OpCommit, err)
		t.hold.End(session.Failed, err)
		return fmt.Errorf("commit: %w", err)
	}
	t.hold.End(session.Committed, nil)
	return nil
}
