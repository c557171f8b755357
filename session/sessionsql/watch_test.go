package sessionsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

// watched is a database without a database under the guard, and what it logs.
func watched(t testing.TB, opts ...sessionsql.Option) (*sql.DB, *sessiontest.Database, *log) {
	d, l := sessiontest.NewDatabase(), &log{}
	opts = append([]sessionsql.Option{sessionsql.WithName(t.Name()), sessionsql.WithLog(l.logger())}, opts...)
	db := sql.OpenDB(sessionsql.Watch(d, opts...))
	t.Cleanup(func() {
		d.Unblock()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if n := d.Connections(); n != 0 {
			t.Errorf("%d connections left open", n)
		}
	})
	return db, d, l
}

type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// held are the units of the test's pool.
func held(t testing.TB) []session.Unit {
	var units []session.Unit
	for _, u := range session.Units() {
		if u.Pool == t.Name() {
			units = append(units, u)
		}
	}
	return units
}

func TestWatchListsWhoHolds(t *testing.T) {
	db, _, _ := watched(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if units := held(t); len(units) != 1 || !strings.Contains(units[0].Opened.File, "watch_test.go") {
		t.Errorf("got %v", units)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := sessionsql.Do(t.Context(), db, func(context.Context, *sessionsql.Tx) error {
		if n := len(held(t)); n != 1 {
			t.Errorf("%d units, want the one of Do", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(held(t)); n != 0 {
		t.Errorf("%d units after the end", n)
	}
}

func TestWatchRefusesACommitThatCutsRowsOff(t *testing.T) {
	db, _, _ := watched(t)
	for read, cut := range map[int]bool{0: true, 2: true, 4: false} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := tx.QueryContext(t.Context(), "rows 3")
		if err != nil {
			t.Fatal(err)
		}
		for range read {
			rows.Next()
		}
		err = tx.Commit()
		switch e, ok := errors.AsType[*session.IllegalStateError](err); {
		case cut && (!ok || e.Rule != session.RuleRows):
			t.Errorf("%d of 3 read: got %v", read, err)
		case !cut && err != nil:
			t.Errorf("all read: %v", err)
		}
	}
}

func TestWatchSeesARowThatIsNeverScanned(t *testing.T) {
	db, _, _ := watched(t)
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		tx.QueryRowContext(ctx, "rows 1")
		return nil
	})
	illegal(t, err, session.RuleRows)
	err = sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		var n int
		return tx.QueryRowContext(ctx, "rows 1").Scan(&n)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWatchTakesALeakAway(t *testing.T) {
	db, d, l := watched(t, sessionsql.WithLimit(50*time.Millisecond), sessionsql.WithMaxOpen(1))
	leaked := make(chan struct{})
	go func() {
		defer close(leaked)
		db.QueryRowContext(context.Background(), "rows 1") // never scanned: nobody has a handle to end it
	}()
	<-leaked
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("the room of the leak was not given back: %v", err)
	}
	if !strings.Contains(l.String(), "watch_test.go") || !strings.Contains(l.String(), "rule=leak") {
		t.Errorf("logged: %s", l)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); len(held(t)) > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > hang {
			t.Fatal("the watchdog sleeps")
		}
	}
	_, err = tx.ExecContext(t.Context(), "x")
	if e := illegal(t, err, session.RuleEnded); e.State != "ended: taken away" {
		t.Error(e)
	}
	if err := tx.Rollback(); err == nil {
		t.Error("rolled back what is gone")
	}
	if n := d.Connections(); n > 1 {
		t.Errorf("%d connections, want at most 1", n)
	}
}

func TestWatchTakesALeakFromUnderAStatement(t *testing.T) {
	db, d, _ := watched(t, sessionsql.WithLimit(20*time.Millisecond))
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, "block") // until the context of the unit ends
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	waitIdle(t, 1, func() int { return db.Stats().InUse })
	if n := d.Statements(); n != 1 {
		t.Errorf("%d statements", n)
	}
}

func TestWatchDestroysWhatComesBackDirty(t *testing.T) {
	db, d, l := watched(t)
	for _, statement := range []string{"BEGIN", "SET x = 1", "LISTEN y"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if n := d.Connections(); n != 0 {
			t.Errorf("%s: the connection is still there", statement)
		}
	}
	if n := strings.Count(l.String(), "rule=dirty"); n != 1 { // one call site
		t.Errorf("%d reports:\n%s", n, l)
	}
}

func TestWatchFindsASelfDeadlock(t *testing.T) {
	db, _, _ := watched(t, sessionsql.WithMaxOpen(2))
	var inside, done sync.WaitGroup
	inside.Add(2)
	errs := make([]error, 2)
	for i := range 2 {
		done.Go(func() { errs[i] = twice(db, &inside) })
	}
	done.Wait()
	if errs[0] == nil && errs[1] == nil {
		t.Fatal("nobody was told")
	}
	for _, err := range errs {
		if err != nil {
			if e := illegal(t, err, session.RuleCircle); len(e.Held) != 2 {
				t.Errorf("the circle is not told: %v", e)
			}
		}
	}
}

// twice asks the pool for a second connection while it holds one.
func twice(db *sql.DB, inside *sync.WaitGroup) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	inside.Done()
	inside.Wait()
	_, err = db.Exec("x")
	return err
}

// The limit holds, everybody has his turn, and no connection is lost, whatever
// the callers do.
func TestWatchKeepsItsLimitUnderLoad(t *testing.T) {
	db, d, _ := watched(t, sessionsql.WithMaxOpen(3))
	var wg sync.WaitGroup
	for seed := range 32 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			for range 200 {
				if err := load(t.Context(), db, r); err != nil {
					t.Error(err)
				}
				if n := d.Connections(); n > 3 {
					t.Errorf("%d connections", n)
				}
			}
		})
	}
	wg.Wait()
	if n := len(held(t)); n != 0 {
		t.Errorf("%d units left", n)
	}
}

func load(ctx context.Context, db *sql.DB, r *rand.Rand) error {
	switch r.IntN(5) {
	case 0:
		ctx, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(300))*time.Microsecond)
		defer cancel()
		_, err := db.ExecContext(ctx, "x")
		if ctx.Err() != nil {
			return nil
		}
		return err
	case 1:
		return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
			_, err := tx.ExecContext(ctx, "x")
			return err
		})
	case 2:
		_, err := db.ExecContext(ctx, "SET x = 1") // destroyed on its return
		return err
	case 3:
		var n int
		return db.QueryRowContext(ctx, "rows 1").Scan(&n)
	default:
		rows, err := db.QueryContext(ctx, "rows 3")
		if err != nil {
			return err
		}
		rows.Next()
		return rows.Close()
	}
}

func TestOpenKeepsTheDriversWays(t *testing.T) {
	db, err := sessionsql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db"), sessionsql.WithMaxOpen(2))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db)
	rows, err := db.QueryContext(t.Context(), `SELECT n, 'x' AS s, NULL AS none, 1.5 AS f FROM t WHERE n > ? AND n < :most`, 10, sql.Named("most", 20))
	if err != nil {
		t.Fatal(err)
	}
	types, err := rows.ColumnTypes()
	if err != nil || len(types) != 4 || types[0].DatabaseTypeName() != "INTEGER" {
		t.Errorf("types %v, %v", types, err)
	}
	var got strings.Builder
	for rows.Next() {
		var n int
		var s string
		var nothing sql.NullString
		var f float64
		if err := rows.Scan(&n, &s, &nothing, &f); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%d %s %t %g;", n, s, nothing.Valid, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !strings.HasPrefix(got.String(), "11 x false 1.5;") {
		t.Errorf("got %q, %v", got.String(), err)
	}
	stmt, err := db.PrepareContext(t.Context(), `SELECT count(*) FROM t WHERE n > ?`)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	var n int
	if err := stmt.QueryRow(90).Scan(&n); err != nil || n != 10 {
		t.Errorf("got %d, %v", n, err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error {
		if _, ok := c.(*sessionsql.WatchedConn).Unwrap().(driver.QueryerContext); !ok {
			t.Error("the driver's own connection cannot be reached")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := sessionsql.Open("no such driver", ""); err == nil {
		t.Error("no error")
	}
	if _, err := sessionsql.Pool(db).Once(t.Context(), "k", func(context.Context, *sessionsql.Tx) ([]byte, error) { return nil, nil }); err != nil {
		t.Errorf("the dialect is not known under the guard: %v", err)
	}
}
