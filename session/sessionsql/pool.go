package sessionsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"reflect"
	"sync"
	"weak"

	"github.com/reeve-run/reeve/session"
)

// pool opens units of one *sql.DB.
type pool struct {
	db    *sql.DB
	guard *session.Guard
	tx    *sql.TxOptions
	once  onceTable
}

// Pool gives the units of db. Any *sql.DB will do; rows that are never closed,
// and statements that go around the unit, are seen when it comes from Open.
func Pool(db *sql.DB, opts ...Option) session.Pool[*Tx] {
	return newPool(db, opts)
}

func newPool(db *sql.DB, opts []Option) *pool {
	c := config{name: driverName(db)}
	for _, o := range opts {
		o(&c)
	}
	return &pool{db: db, guard: c.guard(weak.Make(db)), tx: c.tx, once: onceTable{dialect: c.dialect}}
}

// driverName is the last part of the import path of the driver's package.
func driverName(db *sql.DB) string {
	t := reflect.TypeOf(db.Driver())
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return path.Base(t.PkgPath())
}

// Do runs fn in one unit of db: see session.Pool. The guard of a db is made at
// its first Do, and goes with it.
func Do(ctx context.Context, db *sql.DB, fn func(context.Context, *Tx) error) error {
	return unit(ctx, db, guardOf(db), nil, fn)
}

// Read is Do for a unit that only reads: everything it reads is of one moment,
// and on PostgreSQL a write is refused by the database. On SQLite it begins
// deferred even where the connection string says _txlock=immediate, so that it
// does not wait for the writer.
func Read(ctx context.Context, db *sql.DB, fn func(context.Context, *Tx) error) error {
	return unit(ctx, db, guardOf(db), &readOnly, fn)
}

var readOnly = sql.TxOptions{ReadOnly: true}

// guards finds the guard of a *sql.DB again without keeping the DB alive.
var guards sync.Map // weak.Pointer[sql.DB] to *session.Guard

func guardOf(db *sql.DB) *session.Guard {
	key := weak.Make(db)
	if g, ok := guards.Load(key); ok {
		return g.(*session.Guard)
	}
	g, known := guards.LoadOrStore(key, newPool(db, nil).guard)
	if !known {
		onDrop(db, key)
	}
	return g.(*session.Guard)
}

// Do implements session.Pool.
func (p *pool) Do(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return unit(ctx, p.db, p.guard, p.tx, fn)
}

func unit(ctx context.Context, db *sql.DB, g *session.Guard, opts *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	hold, err := g.Open(ctx)
	if err != nil {
		return err
	}
	tx, err := begin(hold, db, g, opts)
	if err != nil {
		hold.End(session.Failed, err)
		return fmt.Errorf("begin: %w", err)
	}
	return run(hold, tx, fn)
}

// begin gets a transaction. Where the pool has no connection free, the wait is
// the guard's to see, so that it can end it; the transaction's own context is
// another, because it must outlive the wait.
func begin(hold *session.Hold, db *sql.DB, g *session.Guard, opts *sql.TxOptions) (*Tx, error) {
	if size, full := exhausted(db); full {
		conn, err := acquire(hold, db, g, size)
		if err != nil {
			return nil, err
		}
		tx, err := conn.BeginTx(hold.Context(), opts)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return newTx(tx, conn, hold), nil
	}
	tx, err := db.BeginTx(hold.Context(), opts)
	if err != nil {
		return nil, err
	}
	return newTx(tx, nil, hold), nil
}

func exhausted(db *sql.DB) (size int, full bool) {
	st := db.Stats()
	return st.MaxOpenConnections, st.MaxOpenConnections > 0 && st.InUse >= st.MaxOpenConnections
}

func acquire(hold *session.Hold, db *sql.DB, g *session.Guard, size int) (*sql.Conn, error) {
	w := g.Wait(hold.Context(), size)
	defer w.Done()
	return db.Conn(w.Context())
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
