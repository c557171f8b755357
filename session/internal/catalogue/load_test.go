package catalogue_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

var loadFor = flag.Duration("load", time.Second, "how long 64 goroutines misuse a pool of 4")

// The bounds of the load's pools. Right uses have far less to do; the misuses that break
// them take seconds, and so are among the others only when there is time.
const (
	loadIdle  = 5 * time.Second
	loadLimit = 10 * time.Second
	loadWait  = 5 * time.Minute // every other use destroys its connection, and a new one takes its time
	loadSlow  = 20 * time.Second
)

// way is one way to misuse a pool.
type way[P any] struct {
	name  string
	do    func(context.Context, P) error
	lucky bool // it may pass: a circle needs all four connections at once
	slow  bool // it breaks a rule that goes by time
}

// load misuses one pool in every way at once, among right uses: each misuse must be an
// error with a line of this package, and no right use harmed. It returns how many there were.
func load[P any](t *testing.T, pool P, right func(context.Context, P) error, ways []way[P]) int64 {
	t.Helper()
	var wg sync.WaitGroup
	var rights atomic.Int64
	misused := make([]atomic.Int64, len(ways))
	end := time.Now().Add(*loadFor)
	for seed := range 64 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			if seed < len(ways) && ways[seed].slow && *loadFor >= loadSlow { // once each, whatever chance says
				misuse(t, pool, ways[seed])
				misused[seed].Add(1)
			}
			for time.Now().Before(end) && !t.Failed() {
				i := r.IntN(2 * len(ways))
				switch {
				case i >= len(ways):
					if err := right(t.Context(), pool); err != nil {
						t.Errorf("a right use was harmed: %v", err)
					}
					rights.Add(1)
				case !ways[i].slow || *loadFor >= loadSlow && r.IntN(500) == 0:
					misuse(t, pool, ways[i])
					misused[i].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i, w := range ways {
		t.Logf("%6d times %s", misused[i].Load(), w.name)
	}
	return rights.Load()
}

func misuse[P any](t *testing.T, pool P, w way[P]) {
	t.Helper()
	err := w.do(t.Context(), pool)
	e, ok := errors.AsType[*session.IllegalStateError](err)
	switch {
	case !ok && err == nil && w.lucky:
	case errors.Is(err, net.ErrClosed) && w.lucky: // it waited beyond the limit, and pgx reads on from where its socket was
	case !ok:
		t.Errorf("%s: got %v", w.name, err)
	case !here(e.Used[0]) || !e.Opened.IsZero() && !here(e.Opened):
		t.Errorf("%s: not the author's lines: %v", w.name, err)
	}
}

func TestLoadPgx(t *testing.T) {
	sessiontest.VerifyNone(t)
	cfg, err := pgxpool.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 4
	sessionpgx.Watch(cfg, sessionpgx.WithName(t.Name()), sessionpgx.WithIdle(loadIdle), sessionpgx.WithLimit(loadLimit), sessionpgx.WithWait(loadWait))
	p, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	rights := load(t, p, rightPgx, waysPgx)
	var rows int64
	if err := p.QueryRow(t.Context(), `SELECT count(*) FROM t WHERE n = 7`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != rights || rows == 0 {
		t.Errorf("%d rows of %d right uses", rows, rights)
	}
	if err := leakedPgxClose(t.Context(), p); !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("a handle leaked, then the pool closed: got %v", err)
	}
	if err := idlePool(p); err != nil {
		t.Error(err)
	}
	p.Close()
}

var waysPgx = []way[*pgxpool.Pool]{
	{name: "use after the end", do: afterPgxDo},
	{name: "a kept connection", do: keptPgxDo},
	{name: "two at once", do: sharedPgxDo},
	{name: "a stray goroutine", do: strayPgx},
	{name: "close while rows are open", do: closePgxDo},
	{name: "commit while rows are open", do: commitPgxDo},
	{name: "a second connection", do: secondPgxDo},
	{name: "the same, with the context lost", do: secondLostPgxDo, lucky: true},
	{name: "the pool inside a transaction", do: outerPgxDo},
	{name: "a query in the loop over rows", do: loopPgx, lucky: true},
	{name: "cancelled, then used", do: cancelledPgxDo},
	{name: "a lock left", do: leftPgxDo},
	{name: "a setting left", do: settingPgxDo},
	{name: "a row never scanned", do: rowPgxDo},
	{name: "idle in a transaction", slow: true, do: idleLongPgx},
	{name: "never closed", slow: true, do: heldLongPgx},
}

func rightPgx(ctx context.Context, p *pgxpool.Pool) error {
	return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO t VALUES (7)`)
		return err
	})
}

// keptPgxDo keeps the connection beyond the unit. (One kept beyond a bare Acquire
// is seen while it lies in the pool or a unit of Do holds it; not while another bare
// Acquire does, and then the driver itself is in a race.)
func keptPgxDo(ctx context.Context, p *pgxpool.Pool) error {
	var kept *pgx.Conn
	if err := sessionpgx.Do(ctx, p, func(_ context.Context, tx pgx.Tx) error {
		kept = tx.Conn()
		return nil
	}); err != nil {
		return err
	}
	if _, err := kept.Exec(ctx, `INSERT INTO t VALUES (6)`); err == nil {
		return nil // which is what must not be
	}
	// pgx itself says "conn closed" before it asks anybody: the unit's end has destroyed it.
	return afterPgxDo(ctx, p)
}

// strayPgx leaves a goroutine behind that is inside a statement.
func strayPgx(ctx context.Context, p *pgxpool.Pool) error {
	in := make(chan struct{})
	return sessionpgx.Do(ctx, p, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT generate_series(1, 3)`)
		if err != nil {
			return err
		}
		go func() {
			rows.Next()
			close(in)
		}()
		<-in
		return nil
	})
}

func idleLongPgx(ctx context.Context, p *pgxpool.Pool) error {
	tx, err := p.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	sleep(ctx, 2*loadIdle)
	return insert(ctx, tx)
}

func heldLongPgx(ctx context.Context, p *pgxpool.Pool) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	sleep(ctx, 2*loadLimit)
	_, err = c.Exec(ctx, `INSERT INTO t VALUES (6)`)
	return err
}

func TestLoadSQL(t *testing.T) {
	for _, system := range []string{"SQLite", "PostgreSQL"} {
		t.Run(system, func(t *testing.T) {
			sessiontest.VerifyNone(t)
			driver, dsn := "sqlite", "file:"+filepath.Join(t.TempDir(), "a.db")+
				"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(20000)&_pragma=synchronous(OFF)"
			if system == "PostgreSQL" {
				driver, dsn = "pgx", pgtest.Database(t)
			}
			db, err := sessionsql.Open(driver, dsn, sessionsql.WithMaxOpen(4), sessionsql.WithName(t.Name()),
				sessionsql.WithIdle(loadIdle), sessionsql.WithLimit(loadLimit), sessionsql.WithWait(loadWait))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), schema); err != nil {
				t.Fatal(err)
			}
			rights := load(t, db, rightSQL, waysSQL)
			var rows int64
			if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM t WHERE n = 7`).Scan(&rows); err != nil {
				t.Fatal(err)
			}
			if rows != rights || rows == 0 {
				t.Errorf("%d rows of %d right uses", rows, rights)
			}
			if err := leakedClose(t.Context(), db); !errors.Is(err, session.ErrIllegalState) {
				t.Errorf("a handle leaked, then the pool closed: got %v", err)
			}
			if err := eventually("no connection in use", func() bool { return db.Stats().InUse == 0 }); err != nil {
				t.Error(err)
			}
		})
	}
}

var waysSQL = []way[*sql.DB]{
	{name: "use after the end", do: afterDo},
	{name: "two at once", do: sharedDo},
	{name: "close while rows are open", do: closeDo},
	{name: "close while a transaction is open", do: leftDo},
	{name: "commit while rows are open", do: commitReadSQL},
	{name: "a second connection", do: secondDo},
	{name: "the same, with the context lost", do: secondLostDo, lucky: true},
	{name: "the pool inside a transaction", do: outerDo},
	{name: "a query in the loop over rows", do: loopReadSQL, lucky: true},
	{name: "a pool's statement inside a transaction", do: stmtDo},
	{name: "cancelled, then used", do: cancelledDo},
	{name: "a row never scanned", do: rowDo},
	{name: "idle in a transaction", slow: true, do: idleLongSQL},
	{name: "never closed", slow: true, do: heldLongSQL},
}

func rightSQL(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO t VALUES (7)`)
		return err
	})
}

// commitReadSQL is commitSQL with a rollback, for a pool that is used by others as well.
func commitReadSQL(ctx context.Context, db *sql.DB) error {
	return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT n FROM t`)
		if err != nil {
			return err
		}
		rows.Next()
		return rows.Err()
	})
}

// loopReadSQL is loopSQL with reads only: SQLite would let its writer wait for its own reader.
func loopReadSQL(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT n FROM t LIMIT 3`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := db.QueryRowContext(ctx, `SELECT 1`).Scan(&n); err != nil {
			return err
		}
	}
	return rows.Err()
}

// idleLongSQL holds no lock of the database, only a connection: others go on.
func idleLongSQL(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	sleep(ctx, 2*loadIdle)
	var n int
	return tx.QueryRowContext(ctx, `SELECT 1`).Scan(&n)
}

func heldLongSQL(ctx context.Context, db *sql.DB) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	sleep(ctx, 2*loadLimit)
	_, err = c.ExecContext(ctx, `INSERT INTO t VALUES (6)`)
	return err
}
