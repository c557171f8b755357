package sessionsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/reeve-run/reeve/session"
)

// pool opens units of one *sql.DB.
type pool struct {
	source *source
	db     *sql.DB
	guard  *session.Guard
	tx     *sql.TxOptions
	once   onceTable
}

// Pool gives the units of db. Any *sql.DB will do; rows that are never closed,
// and statements that go around the unit, are seen when it comes from Open.
func Pool(db *sql.DB, opts ...Option) session.Pool[*Tx] {
	return newPool(db, opts)
}

func newPool(db *sql.DB, opts []Option) *pool {
	s := sourceOf(db)
	p := &pool{source: s, db: db, guard: s.guard}
	if len(opts) > 0 {
		c := config{name: driverName(db)}
		for _, o := range opts {
			o(&c)
		}
		p.guard, p.tx, p.once.dialect = c.guard(session.Beside(s.guard)), c.tx, c.dialect
	}
	return p
}

func driverName(db *sql.DB) string { return packageName(db.Driver()) }

// packageName is the last part of the import path of the driver's package.
func packageName(d driver.Driver) string {
	if w, ok := d.(watchedDriver); ok {
		d = w.Driver
	}
	t := reflect.TypeOf(d)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return path.Base(t.PkgPath())
}

// Do runs fn in one unit of db: see session.Pool. The guard of a db is made at
// its first Do, and goes with it.
func Do(ctx context.Context, db *sql.DB, fn func(context.Context, *Tx) error) error {
	return do(ctx, db, nil, fn)
}

// Read is Do for a unit that only reads: everything it reads is of one moment,
// and on PostgreSQL a write is refused by the database. On SQLite it begins
// deferred even where the connection string says _txlock=immediate, so that it
// does not wait for the writer.
func Read(ctx context.Context, db *sql.DB, fn func(context.Context, *Tx) error) error {
	opts := readOnly
	if sourceOf(db).dialect == PostgreSQL {
		opts.Isolation = sql.LevelRepeatableRead // its default would show each statement another moment
	}
	return do(ctx, db, &opts, fn)
}

var readOnly = sql.TxOptions{ReadOnly: true}

// source is what is known of a *sql.DB, whichever pools and guards it has.
type source struct {
	guard   *session.Guard // of the functions that take a *sql.DB; others stand beside it
	dialect Dialect        // as far as the driver's name tells it
	pending atomic.Int64   // units that are about to ask for a connection
}

// sources finds them again without keeping the DB alive.
var sources sync.Map // weak.Pointer[sql.DB] to *source

func sourceOf(db *sql.DB) *source {
	key := weak.Make(db)
	if s, ok := sources.Load(key); ok {
		return s.(*source)
	}
	made := newSource(db)
	s, known := sources.LoadOrStore(key, made)
	if !known {
		runtime.AddCleanup(db, func(k weak.Pointer[sql.DB]) { sources.Delete(k) }, key)
	}
	return s.(*source)
}

func newSource(db *sql.DB) *source {
	name := driverName(db)
	made := &source{dialect: dialectOf(name)}
	if d, ok := db.Driver().(watchedDriver); ok {
		made.guard = d.w.guard
	} else {
		made.guard = (&config{name: name}).guard()
	}
	return made
}

// Close closes db when its last unit has ended. Units that are open when ctx ends
// are ended, and the *session.IllegalStateError names the lines that opened them: db.Close
// by itself would let a forgotten transaction go on.
func Close(ctx context.Context, db *sql.DB) error {
	return errors.Join(sourceOf(db).guard.Drain(ctx), db.Close())
}

// Do implements session.Pool.
func (p *pool) Do(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return p.unit(ctx, p.tx, fn)
}

func do(ctx context.Context, db *sql.DB, opts *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	s := sourceOf(db)
	return (&pool{source: s, db: db, guard: s.guard}).unit(ctx, opts, fn)
}

func (p *pool) unit(ctx context.Context, opts *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	hold, err := p.guard.Open(ctx)
	if err != nil {
		return err
	}
	//reeve:allow neverended run ends it, through the interface that Conn has as well
	tx, err := p.begin(hold, opts)
	if err != nil {
		hold.End(session.Failed, err)
		return fmt.Errorf("begin: %w", err)
	}
	return run(hold, tx, fn)
}

// begin gets a transaction. Where the pool may have no connection free, the wait
// is the guard's to see, so that it can end it; the transaction's own context is
// another, because it must outlive the wait.
func (p *pool) begin(hold *session.Hold, opts *sql.TxOptions) (*Tx, error) {
	defer p.source.pending.Add(-1)
	if size, full := p.exhausted(); full {
		return p.beginWaiting(hold, opts, size)
	}
	tx, err := p.db.BeginTx(hold.Context(), opts)
	if err != nil {
		return nil, err
	}
	return newTx(tx, nil, hold), nil
}

// beginWaiting begins on a connection that may have to be waited for. A connection
// that turns out to be broken is tried again, as often as database/sql does.
func (p *pool) beginWaiting(hold *session.Hold, opts *sql.TxOptions, size int) (*Tx, error) {
	for try := 1; ; try++ {
		conn, err := p.acquire(hold, size)
		if err != nil {
			return nil, err
		}
		tx, err := conn.BeginTx(hold.Context(), opts)
		if err == nil {
			return newTx(tx, conn, hold), nil
		}
		err = errors.Join(err, conn.Close())
		if try > badConnRetries || !errors.Is(err, driver.ErrBadConn) {
			return nil, err
		}
	}
}

// badConnRetries is how often a broken connection is replaced: as many as a full pool
// may have idle, after its server has gone.
const badConnRetries = 10

// exhausted says whether the pool may have no connection for this unit: those
// who are about to ask count as well. The caller takes itself off pending.
func (p *pool) exhausted() (size int, full bool) {
	pending := p.source.pending.Add(1)
	st := p.db.Stats()
	return st.MaxOpenConnections, st.MaxOpenConnections > 0 && st.InUse+int(pending) > st.MaxOpenConnections
}

func (p *pool) acquire(hold *session.Hold, size int) (*sql.Conn, error) {
	w := p.guard.Wait(hold.Context(), size)
	defer w.Done()
	return p.db.Conn(w.Context())
}

// unitHandle is what run needs of a Tx or a Conn.
type unitHandle interface {
	finish() error
	abort(how session.End, cause error)
}

// run calls fn and ends the unit by what it did. The panic, or the Goexit of a
// failed test, is not recovered: it goes on with its own stack.
func run[U unitHandle](hold *session.Hold, u U, fn func(context.Context, U) error) error {
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
	return u.finish()
}
