package sessionpgx

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/reeve-run/reeve/session"
)

// tx is the pgx.Tx that Do gives out: each operation claims the unit for its
// length. A savepoint (nested) shares the unit of its transaction.
type tx struct {
	unit
	inner  pgx.Tx
	parent *tx // of a savepoint
}

// root is the unit that the savepoint belongs to.
func (t *tx) root() *unit {
	for t.parent != nil {
		t = t.parent
	}
	return &t.unit
}

// Begin starts a savepoint. It is ended by hand, by its Commit or Rollback, or with the unit.
func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	u := t.root()
	if err := u.hold.Enter(session.OpBegin); err != nil {
		return nil, err
	}
	inner, err := t.inner.Begin(u.own(ctx))
	u.exit(session.OpBegin)
	if err != nil {
		return nil, u.explain(session.OpBegin, err)
	}
	return &tx{inner: inner, parent: t}, nil
}

// Commit releases a savepoint. For the unit itself it is refused: Do commits,
// when its function returns nil.
func (t *tx) Commit(ctx context.Context) error {
	return t.end(ctx, session.OpCommit, t.inner.Commit)
}

// Rollback goes back to a savepoint. For the unit itself it is refused: Do rolls
// back, when its function returns an error.
func (t *tx) Rollback(ctx context.Context) error {
	return t.end(ctx, session.OpRollback, t.inner.Rollback)
}

func (t *tx) end(ctx context.Context, op session.Op, end func(context.Context) error) error {
	u := t.root()
	if t.parent == nil {
		return u.hold.RefuseByHand(op)
	}
	if err := u.hold.Enter(op); err != nil {
		return err
	}
	err := end(u.own(ctx))
	u.exit(op)
	return err
}

func (t *tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	u := t.root()
	if err := u.enter(session.OpExec, sql); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := t.inner.Exec(u.own(ctx), sql, args...)
	u.exit(session.OpExec)
	return tag, u.explain(session.OpExec, err)
}

func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.root().query(ctx, t.inner, sql, args)
}

func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.root().queryRow(ctx, t.inner, sql, args)
}

func (t *tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.root().sendBatch(ctx, t.inner, b)
}

func (t *tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	u := t.root()
	if err := u.hold.Enter(session.OpCopy); err != nil {
		return 0, err
	}
	n, err := t.inner.CopyFrom(u.own(ctx), table, columns, src)
	u.exit(session.OpCopy)
	return n, u.explain(session.OpCopy, err)
}

func (t *tx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	u := t.root()
	if err := u.hold.Enter(session.OpPrepare); err != nil {
		return nil, err
	}
	d, err := t.inner.Prepare(u.own(ctx), name, sql)
	u.exit(session.OpPrepare)
	return d, u.explain(session.OpPrepare, err)
}

// LargeObjects gives pgx's own, which go around the guard while the unit is
// open; the connection is destroyed at its end.
func (t *tx) LargeObjects() pgx.LargeObjects {
	t.root().handOut(session.OpLargeObjects)
	return t.inner.LargeObjects()
}

// Conn gives the connection itself, which goes around the guard while the unit
// is open; it is destroyed at the unit's end. After the end it is a closed one.
func (t *tx) Conn() *pgx.Conn {
	t.root().handOut(session.OpConn)
	return t.inner.Conn()
}

// handOut notes that the session is known outside of the unit.
func (u *unit) handOut(op session.Op) {
	if u.hold.Enter(op) == nil {
		u.raw = true
		if s := stateOf(u.conn.Conn()); s != nil {
			s.lent.Store(true)
		}
		u.exit(op)
	}
}

func (t *tx) finish(ctx context.Context) error {
	if err := t.hold.Close(session.OpCommit); err != nil {
		t.abort(session.RolledBack, err)
		return err
	}
	t.rollback = nil
	if err := t.inner.Commit(t.own(ctx)); err != nil {
		err = t.explain(session.OpCommit, err)
		t.hold.End(session.Failed, err)
		t.release()
		return fmt.Errorf("commit: %w", err)
	}
	t.hold.End(session.Committed, nil)
	t.release()
	return nil
}
