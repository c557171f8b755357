package sessionsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

// A COMMIT in words would end the unit behind its back, and what follows would be kept
// whatever becomes of it.
func TestTheUnitIsNotEndedByAStatement(t *testing.T) {
	db := openSQLite(t)
	for _, query := range []string{"COMMIT", " rollback;", "-- now\nEND"} {
		err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
			if _, err := tx.ExecContext(ctx, `INSERT INTO t VALUES (1000)`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, query)
			return err
		})
		illegal(t, err, session.RuleByHand)
		if n := count(t, db); n != 100 {
			t.Errorf("%s: %d rows", query, n)
		}
	}
}

// A limit ends the statement that goes on, whatever context it was given.
func TestALimitEndsTheStatement(t *testing.T) {
	db, _ := watchedPostgres(t, sessionsql.WithLimit(100*time.Millisecond))
	const long = `SELECT pg_sleep(30)`
	begin := time.Now()
	err := sessionsql.Do(t.Context(), db, func(_ context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(context.Background(), long)
		return err
	})
	illegal(t, err, session.RuleEnded)
	_, err = db.ExecContext(context.Background(), long)
	illegal(t, err, session.RuleEnded)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// What is open on a connection that is taken away is closed before it: SQLite would
// otherwise keep the file and its lock.
func TestALimitLeavesNothingOfSQLite(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=journal_mode(DELETE)&_pragma=busy_timeout(0)"
	db, err := sessionsql.Open("sqlite", dsn, sessionsql.WithLimit(20*time.Millisecond), sessionsql.WithName(t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db)
	for range 5 {
		rows, err := db.QueryContext(t.Context(), `SELECT n FROM t`)
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > hang {
				t.Fatal("the watchdog sleeps")
			}
		}
		if rows.Next() || rows.Err() == nil {
			t.Error("the rows go on")
		}
		_ = rows.Close()
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err = db.ExecContext(t.Context(), `INSERT INTO t VALUES (1000)`); err == nil {
			break
		}
		if time.Since(begin) > hang {
			t.Fatalf("a lock is left: %v", err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if fds := openFiles(t, "a.db"); len(fds) > 0 {
		t.Errorf("open after the close: %v", fds)
	}
}

func openFiles(t *testing.T, name string) (open []string) {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list what is open")
	}
	for _, d := range dir {
		if to, err := os.Readlink("/proc/self/fd/" + d.Name()); err == nil && strings.Contains(to, name) {
			open = append(open, to)
		}
	}
	return open
}

// Who waits for a connection is told at once that the database is closed.
func TestCloseEndsWaits(t *testing.T) {
	db, _, _ := watched(t, sessionsql.WithMaxOpen(1))
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() {
		_, err := db.ExecContext(t.Context(), "x")
		waited <- err
	}()
	for begin := time.Now(); db.Stats().InUse < 2; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatal("nobody waits")
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waited; err == nil || !strings.Contains(err.Error(), "database is closed") {
		t.Errorf("got %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// Where the rule is off, a connection that something is left on is used on.
func TestDirtyOffKeepsTheConnection(t *testing.T) {
	db, d, _ := watched(t, sessionsql.WithMaxOpen(1), sessionsql.WithRules(session.Rules{session.RuleDirty: session.Off}))
	set := func(ctx context.Context, c *sessionsql.Conn) error {
		_, err := c.ExecContext(ctx, "SET x = 1")
		return err
	}
	if err := sessionsql.DoConn(t.Context(), db, set); err != nil || d.Connections() != 1 {
		t.Errorf("%d connections, %v", d.Connections(), err)
	}
	if _, err := db.ExecContext(t.Context(), "SET x = 1"); err != nil || d.Connections() != 1 {
		t.Errorf("%d connections, %v", d.Connections(), err)
	}
}

// A role that may not create finds the table that was made for it.
func TestOnceForARoleThatMayNotCreate(t *testing.T) {
	dsn := pgtest.Database(t)
	owner, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close() })
	pool := sessionsql.Pool(owner)
	if _, err := pool.Once(t.Context(), "first", func(context.Context, *sessionsql.Tx) ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`REVOKE CREATE ON SCHEMA public FROM PUBLIC`, `CREATE ROLE ` + role, `GRANT SELECT, INSERT, UPDATE ON reeve_once TO ` + role,
	} {
		if _, err := owner.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, q := range []string{`DROP OWNED BY ` + role, `DROP ROLE ` + role} {
			if _, err := owner.ExecContext(context.WithoutCancel(t.Context()), q); err != nil {
				t.Error(err)
			}
		}
	})
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	as := sql.OpenDB(stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `SET ROLE `+role)
		return err
	})))
	defer as.Close()
	got, err := sessionsql.Pool(as).Once(t.Context(), "key", func(context.Context, *sessionsql.Tx) ([]byte, error) { return []byte("x"), nil })
	if err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

const role = "reeve_once_may_not_create"

// A driver of before contexts keeps its ways.
func TestOldDriversKeepTheirWays(t *testing.T) {
	d := &oldDriver{}
	db := sql.OpenDB(sessionsql.Watch(d, sessionsql.WithName(t.Name())))
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "a; b", 7); err != nil {
		t.Error(err)
	}
	var n int64
	if err := db.QueryRowContext(t.Context(), "c", 8).Scan(&n); err != nil || n != 8 {
		t.Errorf("got %d, %v", n, err)
	}
	if d.prepared != 0 {
		t.Errorf("prepared %d times", d.prepared)
	}
}

// oldDriver has nothing that came with contexts.
type oldDriver struct{ prepared int }

func (d *oldDriver) Connect(context.Context) (driver.Conn, error) { return d, nil }
func (d *oldDriver) Driver() driver.Driver                        { return oldDriverOpener{d} }
func (d *oldDriver) Close() error                                 { return nil }
func (d *oldDriver) Begin() (driver.Tx, error)                    { return nil, errors.New("no transactions") }

func (d *oldDriver) Prepare(string) (driver.Stmt, error) {
	d.prepared++
	return nil, errors.New("nothing is prepared")
}

func (d *oldDriver) Exec(string, []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func (d *oldDriver) Query(_ string, args []driver.Value) (driver.Rows, error) {
	return &oneRow{args}, nil
}

type oldDriverOpener struct{ d *oldDriver }

func (o oldDriverOpener) Open(string) (driver.Conn, error) { return o.d, nil }

type oneRow struct{ left []driver.Value }

func (*oneRow) Columns() []string { return []string{"n"} }
func (*oneRow) Close() error      { return nil }
func (r *oneRow) Next(dest []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	copy(dest, r.left)
	r.left = nil
	return nil
}

// Where connections were found broken, others are asked before they are handed over,
// and broken ones are replaced: the caller sees no more of it than with database/sql alone.
func TestBrokenConnectionsAreReplaced(t *testing.T) {
	d := &breaking{Database: sessiontest.NewDatabase()}
	db := sql.OpenDB(sessionsql.Watch(d, sessionsql.WithMaxOpen(4), sessionsql.WithName(t.Name())))
	defer db.Close()
	db.SetMaxIdleConns(4)
	for range 20 {
		errs := make(chan error)
		for range 16 {
			go func() {
				errs <- sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
					_, err := tx.ExecContext(ctx, "x")
					return err
				})
			}()
		}
		for range 16 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		d.epoch.Add(1) // the server has gone and come back
	}
}
