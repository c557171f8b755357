package sessionsql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/reeve-run/reeve/session"
)

// watchedStmt is a prepared statement of a watched connection.
type watchedStmt struct {
	c      *WatchedConn
	link   *link // by which it was prepared
	inner  driver.Stmt
	opened *opened
	query  string
}

func (s *watchedStmt) NumInput() int { return s.inner.NumInput() }

// Close closes the statement, or leaves that to who has its connection now.
func (s *watchedStmt) Close() error { return s.link.closeStmt(s) }

// ExecContext implements driver.StmtExecContext.
func (s *watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.c.enterWith(ctx, session.OpExec); err != nil {
		return nil, err
	}
	defer s.c.exit(session.OpExec)
	ctx, over := s.c.bound(ctx)
	res, err := s.exec(ctx, args)
	over()
	s.c.note(s.query, err)
	return res, s.c.explain(session.OpExec, err)
}

func (s *watchedStmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
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
	if err := s.c.enterWith(ctx, session.OpQuery); err != nil {
		return nil, err
	}
	defer s.c.exit(session.OpQuery)
	bound, over := s.c.bound(ctx)
	rows, err := s.rows(bound, args)
	s.c.note(s.query, err)
	return s.c.watchRows(ctx, rows, s.c.explain(session.OpQuery, err), s.query, over)
}

func (s *watchedStmt) rows(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.inner.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := unnamed(ctx, args)
	if err != nil {
		return nil, err
	}
	return s.inner.Query(values) //nolint:staticcheck // what such a driver has
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
