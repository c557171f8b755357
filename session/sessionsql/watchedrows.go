package sessionsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"runtime"

	"github.com/reeve-run/reeve/session"
)

// watchedStmt is a prepared statement of a watched connection.
type watchedStmt struct {
	c     *WatchedConn
	inner driver.Stmt
	query string
}

func (s *watchedStmt) Close() error  { return s.inner.Close() }
func (s *watchedStmt) NumInput() int { return s.inner.NumInput() }

// ExecContext implements driver.StmtExecContext.
func (s *watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.c.enter(session.OpExec); err != nil {
		return nil, err
	}
	defer s.c.exit()
	s.c.left.Add(s.query)
	if e, ok := s.inner.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return s.inner.Exec(values) //nolint:staticcheck // what such a driver has
}

// QueryContext implements driver.StmtQueryContext.
func (s *watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.c.enter(session.OpQuery); err != nil {
		return nil, err
	}
	defer s.c.exit()
	s.c.left.Add(s.query)
	if q, ok := s.inner.(driver.StmtQueryContext); ok {
		rows, err := q.QueryContext(ctx, args)
		return s.c.watchRows(rows, err, s.query)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	rows, err := s.inner.Query(values) //nolint:staticcheck // what such a driver has
	return s.c.watchRows(rows, err, s.query)
}

// unnamed does what database/sql does for drivers without contexts and names.
func unnamed(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, errors.New("sessionsql: the driver knows no named arguments")
		}
		values[i] = a.Value
	}
	return values, ctx.Err()
}

// Exec implements driver.Stmt.
func (s *watchedStmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.inner.Exec(args) //nolint:staticcheck // database/sql calls ExecContext
}

// Query implements driver.Stmt.
func (s *watchedStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.inner.Query(args) //nolint:staticcheck // database/sql calls QueryContext
}

// CheckNamedValue implements driver.NamedValueChecker: the statement's own, or
// its converter, or the connection's, in database/sql's order.
func (s *watchedStmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.inner.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	if c, ok := s.c.raw.(driver.NamedValueChecker); ok {
		return c.CheckNamedValue(v)
	}
	if cc, ok := s.inner.(driver.ColumnConverter); ok { //nolint:staticcheck // what such a driver has
		value, err := cc.ColumnConverter(v.Ordinal - 1).ConvertValue(v.Value)
		v.Value = value
		return err
	}
	return driver.ErrSkip
}

func (c *WatchedConn) watchRows(rows driver.Rows, err error, query string) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	if c.hold != nil {
		c.hold.RowsOpened()
	}
	return &watchedRows{Rows: rows, c: c, hold: c.hold, query: query}, nil
}

// watchedRows are counted while they are open.
type watchedRows struct {
	driver.Rows
	c     *WatchedConn
	hold  *session.Hold
	query string
	ended bool // read to the end
}

func (r *watchedRows) Next(dest []driver.Value) error {
	if err := r.c.enter(session.OpQuery); err != nil {
		return err
	}
	defer r.c.exit()
	err := r.Rows.Next(dest)
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
	if !r.ended && cutOff() {
		r.c.cut = r.query
	}
	if err := r.c.enter(session.OpQuery); err != nil {
		return nil // its connection is closed already
	}
	defer r.c.exit()
	return r.Rows.Close()
}

// cutOff says whether database/sql closes the rows by itself, because their
// transaction or context has ended: then its watching goroutine is on the stack.
func cutOff() bool {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
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
	defer r.c.exit()
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
