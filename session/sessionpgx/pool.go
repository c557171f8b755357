package sessionpgx

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
)

// pool opens units of one *pgxpool.Pool.
type pool struct {
	source *source
	pool   *pgxpool.Pool
	guard  *session.Guard
	tx     pgx.TxOptions
	ready  atomic.Bool // the table of Once is there
}

// Pool gives the units of a pgxpool. What its functions get is a pgx.Tx whose
// Commit and Rollback are refused: Do ends it.
func Pool(p *pgxpool.Pool, opts ...Option) session.Pool[pgx.Tx] { return newPool(p, opts) }

func newPool(p *pgxpool.Pool, opts []Option) *pool {
	s := sourceOf(p)
	made := &pool{source: s, pool: p, guard: s.guard}
	if len(opts) > 0 {
		c := configOf(opts)
		made.guard, made.tx = c.newGuard(session.Beside(s.guard)), c.tx
	}
	return made
}

// Do runs fn in one unit of p: see session.Pool. The guard of a pool is made at
// its first Do, and goes with it; Watch makes it before.
func Do(ctx context.Context, p *pgxpool.Pool, fn func(context.Context, pgx.Tx) error) error {
	return newPool(p, nil).Do(ctx, fn)
}

// Read is Do for a unit that only reads: it sees the database as it is at one
// moment, and a write is refused by the database.
func Read(ctx context.Context, p *pgxpool.Pool, fn func(context.Context, pgx.Tx) error) error {
	q := newPool(p, nil)
	q.tx = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return q.Do(ctx, fn)
}

// source is what is known of a *pgxpool.Pool, whichever guards it has.
type source struct {
	watcher *watcher       // nil where the pool is not under Watch
	guard   *session.Guard // of the functions that take a *pgxpool.Pool; others stand beside it
	size    int
	pending atomic.Int64 // units that are about to ask for a connection
}

// sources finds them again without keeping the pool alive.
var sources sync.Map // weak.Pointer[pgxpool.Pool] to *source

func sourceOf(p *pgxpool.Pool) *source {
	key := weak.Make(p)
	if s, ok := sources.Load(key); ok {
		return s.(*source)
	}
	s, known := sources.LoadOrStore(key, newSource(p))
	if !known {
		runtime.AddCleanup(p, func(k weak.Pointer[pgxpool.Pool]) { sources.Delete(k) }, key)
	}
	return s.(*source)
}

func newSource(p *pgxpool.Pool) *source {
	cfg := p.Config()
	made := &source{size: int(cfg.MaxConns)}
	if t, ok := cfg.ConnConfig.Tracer.(interface{ watch() *tracer }); ok {
		made.watcher = t.watch().of(p)
		made.guard = made.watcher.guard
		return made
	}
	made.guard = configOf(nil).newGuard()
	return made
}

// Close closes p when its last unit has ended. Units that are open when ctx ends
// are ended, and the *session.IllegalStateError names the lines that opened them. The
// pool's idle connections are closed then, but not the pool: its own Close waits
// for ever for a connection that nobody releases.
func Close(ctx context.Context, p *pgxpool.Pool) error {
	if err := sourceOf(p).guard.Drain(ctx); err != nil {
		p.Reset()
		return err
	}
	p.Close()
	return nil
}

// Do implements session.Pool.
func (p *pool) Do(ctx context.Context, fn func(context.Context, pgx.Tx) error) error {
	hold, err := p.guard.Open(ctx)
	if err != nil {
		return err
	}
	//reeve:allow neverended run ends it, through the interface that Conn has as well
	t, err := p.begin(hold)
	if err != nil {
		hold.End(session.Failed, err)
		return fmt.Errorf("begin: %w", err)
	}
	return run(hold, t, func(ctx context.Context, t *tx) error { return fn(ctx, t) })
}

func (p *pool) begin(hold *session.Hold) (*tx, error) {
	conn, err := p.acquire(hold)
	if err != nil {
		return nil, err
	}
	inner, err := conn.BeginTx(hold.Context(), p.tx)
	if err != nil {
		conn.Release()
		return nil, err
	}
	hold.InTx(true)
	t := &tx{inner: inner}
	t.unit = p.unit(hold, conn)
	t.rollback = inner.Rollback
	return t, nil
}

// unit is a unit that has its connection. One that goes on for too long loses its
// socket, which ends also a statement that goes on; its place in the pool it keeps until its
// function returns.
func (p *pool) unit(hold *session.Hold, conn *pgxpool.Conn) unit {
	socket := conn.Conn().PgConn().Conn()
	hold.OnTaken(func(bool) {
		hold.Away()
		_ = socket.Close()
	})
	return unit{hold: hold, conn: conn, watched: p.source.watcher != nil}
}

// acquire gets a connection. Where the pool may have none free, the wait is the
// guard's to see, so that it can end it.
func (p *pool) acquire(hold *session.Hold) (*pgxpool.Conn, error) {
	defer p.source.pending.Add(-1)
	pending := p.source.pending.Add(1)
	if int(p.pool.Stat().AcquiredConns())+int(pending) <= p.source.size {
		return p.pool.Acquire(hold.Context())
	}
	w := p.guard.Wait(hold.Context(), p.source.size)
	defer w.Done()
	return p.pool.Acquire(w.Context())
}

// handle is what run needs of a tx or a Conn.
type handle interface {
	finish(ctx context.Context) error
	abort(how session.End, cause error)
}

// run calls fn and ends the unit by what it did. The panic, or the Goexit of a
// failed test, is not recovered: it goes on with its own stack.
func run[U handle](hold *session.Hold, u U, fn func(context.Context, U) error) error {
	returned := false
	defer func() {
		if !returned {
			u.abort(session.Panicked, nil)
		}
	}()
	err := fn(hold.Begin(), u)
	returned = true
	if err != nil {
		u.abort(session.RolledBack, err)
		return err
	}
	return u.finish(hold.Context())
}
