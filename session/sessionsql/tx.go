package sessionsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/reeve-run/reeve/session"
)

// Tx is the unit that Do gives to its function: a transaction that knows its
// owner and its end. It has the methods of *sql.Tx that statements need, so
// that sqlc, gorm and hand-written queries take it as it is. One goroutine after
// another may use it; two at once, and any after the end, get an
// *session.IllegalStateError.
type Tx struct {
	tx   *sql.Tx
	hold *session.Hold
	rows openRows
}

// ExecContext runs a statement without rows.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.hold.Enter(session.OpExec); err != nil {
		return nil, err
	}
	res, err := t.tx.ExecContext(ctx, query, args...)
	t.exit(session.OpExec)
	if err != nil {
		return nil, t.explain(session.OpExec, err)
	}
	return res, nil
}

// QueryContext runs a statement with rows. They must be closed before the
// function of Do returns: a commit with rows open is refused.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.hold.Enter(session.OpQuery); err != nil {
		return nil, err
	}
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err == nil {
		t.rows.add(rows, query)
	}
	t.exit(session.OpQuery)
	if err != nil {
		return nil, t.explain(session.OpQuery, err)
	}
	return rows, nil
}

// QueryRowContext runs a statement with at most one row. Its errors, the
// guard's too, come from the row's Scan.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := t.hold.Enter(session.OpQueryRow); err != nil {
		return t.tx.QueryRowContext(refuse(err), "")
	}
	row := t.tx.QueryRowContext(ctx, query, args...)
	t.exit(session.OpQueryRow)
	return row
}

// PrepareContext makes a statement that lives as long as the unit.
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := t.hold.Enter(session.OpPrepare); err != nil {
		return nil, err
	}
	stmt, err := t.tx.PrepareContext(ctx, query)
	t.exit(session.OpPrepare)
	if err != nil {
		return nil, t.explain(session.OpPrepare, err)
	}
	return stmt, nil
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
func (t *Tx) Commit() error { return t.byHand(session.OpCommit) }

// Rollback always returns an *session.IllegalStateError: Do rolls back, when
// its function returns an error.
func (t *Tx) Rollback() error { return t.byHand(session.OpRollback) }

func (t *Tx) byHand(op session.Op) error { return t.hold.RefuseByHand(op) }

// exit gives the unit back. When it was ended while the statement ran, this
// goroutine is the last that has it in hand, and releases it.
func (t *Tx) exit(op session.Op) {
	if !t.hold.Exit(op) {
		_ = t.tx.Rollback() // the unit's owner has its error already
	}
}

// explain makes database/sql's "transaction has already been committed or
// rolled back" tell who ended it: the cancelled context, as a rule.
func (t *Tx) explain(op session.Op, err error) error {
	if !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return t.hold.Lost(op, err)
}

// commit ends the unit with a commit, or with a rollback and the reason why it
// could not be committed.
func (t *Tx) commit() error {
	if err := t.hold.Close(session.OpCommit); err != nil {
		t.abort(session.RolledBack, err)
		return err
	}
	if query, open := t.rows.open(); open {
		if err := t.hold.RefuseRows(query); err != nil {
			t.abort(session.RolledBack, err)
			return err
		}
	}
	if err := t.tx.Commit(); err != nil {
		err = t.explain(session.OpCommit, err)
		t.hold.End(session.Failed, err)
		return fmt.Errorf("commit: %w", err)
	}
	t.hold.End(session.Committed, nil)
	return nil
}

// abort rolls the unit back. A statement that another goroutine still runs is
// not waited for: it releases the session when it returns.
func (t *Tx) abort(how session.End, cause error) {
	if t.hold.EndIfUsed(how, cause) {
		return
	}
	_ = t.tx.Rollback() // the reason for it is what the caller wants to know
	t.hold.End(how, cause)
}
