package sessionsql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// statements is what *sql.Tx, *sql.Conn and *sql.DB have in common.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// handle is what Tx and Conn have in common: statements that claim the unit for
// their length.
type handle struct {
	via     statements
	refuser statements // gives out rows that carry our error
	release func() error
	hold    *session.Hold
	rows    openRows
	left    *leftover.Notes // nil for a transaction
}

// ExecContext runs a statement without rows.
func (h *handle) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := h.hold.Enter(session.OpExec); err != nil {
		return nil, err
	}
	return h.exec(ctx, query, args)
}

// exec is ExecContext with the unit entered.
func (h *handle) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	if err := h.refuseEnd(session.OpExec, query); err != nil {
		return nil, err
	}
	ctx, over := h.hold.Bound(ctx)
	res, err := h.via.ExecContext(ctx, query, args...)
	over()
	h.note(query, err)
	h.exit(session.OpExec)
	if err != nil {
		return nil, h.explain(session.OpExec, err)
	}
	return res, nil
}

// QueryContext runs a statement with rows. They must be closed before the
// function of Do returns: a commit with rows open is refused.
func (h *handle) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := h.enter(session.OpQuery, query); err != nil {
		return nil, err
	}
	ctx, over := h.hold.Bound(ctx)
	rows, err := h.via.QueryContext(ctx, query, args...)
	if err == nil {
		h.rows.add(rows, query)
	} else {
		over()
	}
	h.note(query, err)
	h.exit(session.OpQuery)
	if err != nil {
		return nil, h.explain(session.OpQuery, err)
	}
	return rows, nil
}

// QueryRowContext runs a statement with at most one row. Its errors, the
// guard's too, come from the row's Scan.
func (h *handle) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := h.enter(session.OpQueryRow, query); err != nil {
		return h.refuser.QueryRowContext(refuse(err), "")
	}
	ctx, over := h.hold.Bound(ctx)
	row := h.via.QueryRowContext(ctx, query, args...)
	err := row.Err()
	if err != nil {
		over()
	}
	h.note(query, err)
	h.exit(session.OpQueryRow)
	if err != nil && h.ended(err) {
		return h.refuser.QueryRowContext(refuse(h.explain(session.OpQueryRow, err)), "")
	}
	return row
}

// PrepareContext makes a statement that lives as long as the unit.
func (h *handle) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := h.hold.Enter(session.OpPrepare); err != nil {
		return nil, err
	}
	stmt, err := h.via.PrepareContext(ctx, query)
	h.exit(session.OpPrepare)
	if err != nil {
		return nil, h.explain(session.OpPrepare, err)
	}
	return stmt, nil
}

// enter claims the unit for a statement. One that ends the transaction by its words is
// refused: Do ends it.
func (h *handle) enter(op session.Op, query string) error {
	if err := h.hold.Enter(op); err != nil {
		return err
	}
	return h.refuseEnd(op, query)
}

// refuseEnd is the second half of enter.
func (h *handle) refuseEnd(op session.Op, query string) error {
	if h.left != nil || !leftover.Ends(query) {
		return nil
	}
	h.exit(op)
	return h.hold.RefuseByHand(op)
}

// note takes note of what a statement leaves on a connection; one that failed leaves nothing.
func (h *handle) note(query string, err error) {
	if err == nil {
		h.left.Add(query)
	}
}

// exit gives the unit back. When it was ended while the statement ran, this
// goroutine is the last that has it in hand, and releases it.
func (h *handle) exit(op session.Op) {
	if !h.hold.Exit(op) {
		_ = h.release() // the unit's owner has its error already
	}
}

// explain makes database/sql's "transaction has already been committed or
// rolled back" tell who ended it: the cancelled context, as a rule, or the watchdog.
func (h *handle) explain(op session.Op, err error) error {
	if h.ended(err) {
		return h.hold.Lost(op, err)
	}
	return err
}

// ended says whether an error comes of the unit's end.
func (h *handle) ended(err error) bool {
	return isOver(err) || h.hold.Over() || h.hold.Context().Err() != nil
}

// isOver says whether database/sql says that the handle has ended.
func isOver(err error) bool {
	return errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrConnDone)
}

// refuseRows refuses the end of a unit while rows are open.
func (h *handle) refuseRows(op session.Op) error {
	query, open := h.rows.open()
	if !open && h.hold.RowsOpen() > 0 {
		query, open = "a row that was not scanned", true
	}
	if open {
		return h.hold.RefuseRows(op, query)
	}
	return nil
}

// abort ends the unit without its consent. A statement that another goroutine
// still runs is not waited for: it releases the session when it returns.
func (h *handle) abort(how session.End, cause error) {
	if !h.hold.Take(how, cause) {
		return
	}
	if _, open := h.rows.open(); open {
		within(releaseBound, h.release) // another goroutine may be inside Next
	} else {
		_ = h.release() // the reason for it is what the caller wants to know
	}
}

// releaseBound is how long the end of a unit waits for a driver that is busy on
// behalf of another goroutine.
const releaseBound = 20 * time.Millisecond

// within runs release and waits for it, but not beyond the bound: what still
// runs then ends when the driver's call does.
func within(bound time.Duration, release func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = release()
	}()
	t := time.NewTimer(bound)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}
