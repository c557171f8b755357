package sessionsql

import (
	"context"
	"database/sql/driver"
)

// execer is a driver's way to run a statement without preparing it; nil when it has none.
func execer(raw driver.Conn) func(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	switch c := raw.(type) {
	case driver.ExecerContext:
		return c.ExecContext
	case driver.Execer: //nolint:staticcheck // what an old driver has
		return func(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
			values, err := unnamed(ctx, args)
			if err != nil {
				return nil, err
			}
			return c.Exec(query, values)
		}
	}
	return nil
}

// queryer is execer for statements with rows.
func queryer(raw driver.Conn) func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	switch c := raw.(type) {
	case driver.QueryerContext:
		return c.QueryContext
	case driver.Queryer: //nolint:staticcheck // what an old driver has
		return func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
			values, err := unnamed(ctx, args)
			if err != nil {
				return nil, err
			}
			return c.Query(query, values)
		}
	}
	return nil
}
