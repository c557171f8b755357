package sessionsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve/session"
)

// Open is sql.Open under the guard: see Watch.
func Open(driverName, dsn string, opts ...Option) (*sql.DB, error) {
	probe, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, err
	}
	drv := probe.Driver()
	if err := probe.Close(); err != nil {
		return nil, fmt.Errorf("open %s: %w", driverName, err)
	}
	inner, err := connectorOf(drv, dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", driverName, err)
	}
	w := newWatcher(inner, opts)
	db := sql.OpenDB(w)
	if w.gate.size > 0 {
		db.SetMaxIdleConns(w.gate.size)
	}
	return db, nil
}

func connectorOf(d driver.Driver, dsn string) (driver.Connector, error) {
	if c, ok := d.(driver.DriverContext); ok {
		return c.OpenConnector(dsn)
	}
	return plainConnector{d, dsn}, nil
}

type plainConnector struct {
	driver driver.Driver
	dsn    string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }

// Watch puts the guard under a database without touching those who use it:
//
//	db := sql.OpenDB(sessionsql.Watch(connector, sessionsql.WithMaxOpen(10)))
//
// Who holds a connection is listed with the line and ages, and so does a transaction
// in which nothing happens; a commit that cuts rows off is refused; a row that is never
// scanned is seen; what is left on a connection is noticed, and it is destroyed. With WithMaxOpen a wait for a connection has a
// bound, and a circle of those who hold and wait is found: use it instead of
// db.SetMaxOpenConns, whose waits happen where no driver sees them.
//
// (*sql.Conn).Raw gives a *WatchedConn, whose Unwrap is the driver's own.
func Watch(c driver.Connector, opts ...Option) driver.Connector { return newWatcher(c, opts) }

// watcher is the connector that database/sql sees.
type watcher struct {
	inner driver.Connector
	guard *session.Guard
	gate  gate
	bad   atomic.Int64 // when a connection was last found broken, in Unix nanoseconds
}

// doubt is how long connections are asked whether they are whole before they are handed
// over, after one was found broken: their server may have gone.
const doubt = 10 * time.Second

// broken notes that a connection was found broken.
func (w *watcher) broken(err error) {
	if errors.Is(err, driver.ErrBadConn) {
		w.bad.Store(time.Now().UnixNano())
	}
}

func (w *watcher) doubtful() bool {
	at := w.bad.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < doubt
}

func newWatcher(inner driver.Connector, opts []Option) *watcher {
	c := config{name: packageName(inner.Driver())}
	for _, o := range opts {
		o(&c)
	}
	w := &watcher{inner: inner}
	w.guard = c.guard()
	w.gate.size, w.gate.lifetime = c.maxOpen, c.lifetime
	return w
}

// watchedDriver is the driver that database/sql sees: the pool finds the guard by it.
type watchedDriver struct {
	driver.Driver
	w *watcher
}

// Driver implements driver.Connector.
func (w *watcher) Driver() driver.Driver { return watchedDriver{w.inner.Driver(), w} }

// Close implements io.Closer: it ends waits, and is for connectors that need it.
func (w *watcher) Close() error {
	w.gate.close()
	if c, ok := w.inner.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Connect implements driver.Connector. It gives a connection that has come back
// where there is one, opens one where there is room, and else waits.
func (w *watcher) Connect(ctx context.Context) (driver.Conn, error) {
	hold, mine, err := w.guard.Admit(ctx)
	if err != nil {
		return nil, err
	}
	for {
		l, err := w.gate.enter(ctx, w.guard)
		if err != nil {
			return nil, err
		}
		if l != nil && !l.settle(ctx, w.doubtful()) {
			_ = l.close() // it is broken: the next may be whole
			w.gate.leave()
			continue
		}
		if l == nil {
			conn, err := w.inner.Connect(ctx)
			if err != nil {
				w.gate.leave()
				return nil, err
			}
			l = &link{conn: conn, born: time.Now()}
		}
		c := newWatchedConn(w, l)
		if !mine || hold.Authored() {
			c.begin(hold, mine)
		} else { // database/sql opens it ahead; whoever uses it first has it
			c.unclaimed = true
		}
		return c, nil
	}
}

func reset(ctx context.Context, c driver.Conn) error {
	if r, ok := c.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}
