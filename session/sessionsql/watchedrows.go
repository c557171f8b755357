package sessionsql

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
	"runtime"

	"github.com/reeve-run/reeve/session"
)

// watchRows counts rows while they are open. Rows of a context that never ends are
// reachable from the author's code alone, so that the collector can tell that they
// were dropped; others are kept by database/sql until their context ends.
func (c *WatchedConn) watchRows(ctx context.Context, rows driver.Rows, err error, query string, over func()) (driver.Rows, error) {
	if err != nil {
		over()
		return nil, err
	}
	r := &watchedRows{over: over, Rows: rows, c: c, link: c.linked(), hold: c.hold, query: query, ctx: ctx}
	if r.link == nil {
		_ = rows.Close()
		over()
		return nil, driver.ErrBadConn
	}
	r.opened = r.link.note(rows)
	if c.hold != nil {
		c.hold.RowsOpened()
		if c.mine && ctx.Done() == nil {
			r.witness = session.Witness(r, c.hold, "rows of "+query)
		}
	}
	return r, nil
}

// watchedRows are counted while they are open.
type watchedRows struct {
	driver.Rows
	c       *WatchedConn
	link    *link // by which they came
	opened  *opened
	hold    *session.Hold
	query   string
	ctx     context.Context //nolint:containedctx // of the query, to be asked whether it has ended
	ended   bool            // read to the end
	witness runtime.Cleanup
	over    func() // ends what bounds them
}

func (r *watchedRows) Next(dest []driver.Value) error {
	if err := r.c.enter(session.OpQuery); err != nil {
		return err
	}
	err := r.Rows.Next(dest)
	r.c.exit(session.OpQuery)
	r.ended = err != nil
	return err
}

// Close notes whether it is the end of the transaction that closes the rows,
// before they were read to theirs.
func (r *watchedRows) Close() error {
	if r.hold != nil {
		r.hold.RowsClosed()
		r.hold = nil
	}
	r.witness.Stop()
	if !r.ended && r.c.inTx && r.ctx.Err() == nil && cutOff() {
		r.c.cut = r.query
	}
	if r.c.enter(session.OpQuery) == nil {
		defer r.c.exit(session.OpQuery)
	}
	defer r.over()
	return r.link.closeRows(r.opened)
}

// cutOff says whether database/sql closes the rows by itself, because their
// transaction or context has ended: then its watching goroutine is on the stack.
func cutOff() bool {
	var pcs [8]uintptr
	n := runtime.Callers(3, pcs[:])
	if n == len(pcs) {
		return false // that goroutine does nothing else, and so its stack is short
	}
	frames := runtime.CallersFrames(pcs[:n])
	for {
		f, more := frames.Next()
		if f.Function == "database/sql.(*Rows).awaitDone" {
			return true
		}
		if !more {
			return false
		}
	}
}

// What follows answers as database/sql does where the driver's rows do not.

func (r *watchedRows) HasNextResultSet() bool {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

func (r *watchedRows) NextResultSet() error {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	if err := r.c.enter(session.OpQuery); err != nil {
		return err
	}
	defer r.c.exit(session.OpQuery)
	return n.NextResultSet()
}

func (r *watchedRows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

func (r *watchedRows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r *watchedRows) ColumnTypeLength(i int) (int64, bool) {
	if t, ok := r.Rows.(driver.RowsColumnTypeLength); ok {
		return t.ColumnTypeLength(i)
	}
	return 0, false
}

func (r *watchedRows) ColumnTypeNullable(i int) (nullable, ok bool) {
	if t, is := r.Rows.(driver.RowsColumnTypeNullable); is {
		return t.ColumnTypeNullable(i)
	}
	return false, false
}

func (r *watchedRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if t, is := r.Rows.(driver.RowsColumnTypePrecisionScale); is {
		return t.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
