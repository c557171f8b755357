package sessiontest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Database is a database/sql driver without a database: it makes every misuse of
// a session happen when the test says so. Its statements are words:
//
//	block        waits for Unblock, or for its context
//	block hard   waits for Unblock only, as a driver stuck in the network does
//	rows N       gives N rows with one column, the numbers from 1
//	fail         returns ErrStatement
//
// Anything else does nothing. It is safe for concurrent use.
type Database struct {
	blocked chan struct{}
	gate    chan struct{}
	once    sync.Once
	open    atomic.Int32
	stmts   atomic.Int64
}

// NewDatabase makes one. Use it as sql.OpenDB(d), or under a wrapper.
func NewDatabase() *Database {
	return &Database{blocked: make(chan struct{}, 1000), gate: make(chan struct{})}
}

// Blocked receives once for each statement that has begun to block.
func (d *Database) Blocked() <-chan struct{} { return d.blocked }

// Unblock lets every blocked statement go on, and those to come pass.
func (d *Database) Unblock() { d.once.Do(func() { close(d.gate) }) }

// Connections is the number of connections that are open.
func (d *Database) Connections() int { return int(d.open.Load()) }

// Statements is the number of statements that were run.
func (d *Database) Statements() int64 { return d.stmts.Load() }

// Connect implements driver.Connector.
func (d *Database) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.open.Add(1)
	return &conn{db: d}, nil
}

// Driver implements driver.Connector.
func (d *Database) Driver() driver.Driver { return d }

// Open implements driver.Driver; the name is not used.
func (d *Database) Open(string) (driver.Conn, error) { return d.Connect(context.Background()) }

func (d *Database) run(ctx context.Context, query string) error {
	d.stmts.Add(1)
	if query == "" || query[0] != 'b' && query[0] != 'f' {
		return nil
	}
	switch query {
	case "fail":
		return ErrStatement
	case "block":
		return d.block(ctx, ctx.Done())
	case "block hard":
		return d.block(ctx, nil)
	}
	return nil
}

func (d *Database) block(ctx context.Context, done <-chan struct{}) error {
	d.blocked <- struct{}{}
	select {
	case <-d.gate:
		return nil
	case <-done:
		return ctx.Err()
	}
}

// ErrStatement is what the statement "fail" returns.
var ErrStatement = statementError{}

type statementError struct{}

func (statementError) Error() string { return "sessiontest: the statement failed, as it was told to" }

type conn struct {
	db *Database
	tx bool
}

func (c *conn) Prepare(query string) (driver.Stmt, error) { return &stmt{c, query}, nil }

func (c *conn) Close() error {
	c.db.open.Add(-1)
	return nil
}

func (c *conn) Begin() (driver.Tx, error) { return c, nil }

func (c *conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	c.tx = true
	return c, nil
}

func (c *conn) Commit() error {
	c.tx = false
	return nil
}

func (c *conn) Rollback() error { return c.Commit() }

func (c *conn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(0), c.db.run(ctx, query)
}

func (c *conn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if err := c.db.run(ctx, query); err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(query, "rows "))
	return &rows{left: n}, nil
}

type stmt struct {
	conn  *conn
	query string
}

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 }

func (s *stmt) Exec([]driver.Value) (driver.Result, error) {
	return s.conn.ExecContext(context.Background(), s.query, nil)
}

func (s *stmt) Query([]driver.Value) (driver.Rows, error) {
	return s.conn.QueryContext(context.Background(), s.query, nil)
}

type rows struct{ n, left int }

func (r *rows) Columns() []string { return []string{"n"} }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.n++
	r.left--
	dest[0] = int64(r.n)
	return nil
}

// Use is a database/sql handle on d, closed by the test's end.
func (d *Database) Use(t TB) *sql.DB {
	db := sql.OpenDB(d)
	t.Cleanup(func() {
		d.Unblock()
		if err := db.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return db
}
