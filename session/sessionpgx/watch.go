package sessionpgx

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
)

// Watch puts the guard under the pool that is made of cfg, without touching those
// who use it: who holds a connection is listed with the line and ages, and so does a
// transaction in which nothing happens; a wait has a bound; a circle of those who hold and
// wait is found; what is left on a connection is noticed, and a *pgx.Conn that is used
// after its release is refused. A tracer that cfg has stays in place. Call it last, before
// pgxpool.NewWithConfig. Pools that are made of copies of cfg are told apart; a cfg that is
// watched already stays as it is.
func Watch(cfg *pgxpool.Config, opts ...Option) {
	if _, ok := cfg.ConnConfig.Tracer.(interface{ watch() *tracer }); ok {
		return
	}
	t := &tracer{opts: opts, pools: map[weak.Pointer[pgxpool.Pool]]*watcher{}}
	if theirs := cfg.ConnConfig.Tracer; theirs != nil {
		cfg.ConnConfig.Tracer = both{multitracer.New(theirs, t), t} // ours last: it may refuse
	} else {
		cfg.ConnConfig.Tracer = t
	}
	if after := cfg.AfterRelease; after != nil {
		cfg.AfterRelease = func(c *pgx.Conn) bool {
			defer hooked(c)()
			return after(c)
		}
	}
	if before := cfg.BeforeClose; before != nil {
		cfg.BeforeClose = func(c *pgx.Conn) {
			defer hooked(c)()
			before(c)
		}
	}
}

// hooked lets a hook of the pool use the connection, until the result is called.
func hooked(c *pgx.Conn) func() {
	s := stateOf(c)
	if s == nil {
		return func() {}
	}
	s.hook.Store(true)
	return func() { s.hook.Store(false) }
}

// both is the tracer of a pool that had one already.
type both struct {
	*multitracer.Tracer
	t *tracer
}

// watch is how Do finds the guard of a pool.
func (b both) watch() *tracer    { return b.t }
func (t *tracer) watch() *tracer { return t }

// tracer is what a config carries. It knows the pools that were made of it.
type tracer struct {
	opts  []Option
	first atomic.Pointer[watcher] // nearly always the only one
	mu    sync.Mutex
	pools map[weak.Pointer[pgxpool.Pool]]*watcher
}

func (t *tracer) of(p *pgxpool.Pool) *watcher {
	key := weak.Make(p)
	if w := t.first.Load(); w != nil && w.pool == key {
		return w
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.pools[key]
	if w == nil {
		w = newWatcher(key, int64(p.Config().MaxConns), t.opts)
		t.pools[key] = w
		runtime.AddCleanup(p, t.forget, key)
		t.first.CompareAndSwap(nil, w)
	}
	return w
}

func (t *tracer) forget(key weak.Pointer[pgxpool.Pool]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pools, key)
}

// watcher sees a pool through its tracer.
type watcher struct {
	guard  *session.Guard
	size   int64
	pool   weak.Pointer[pgxpool.Pool]
	held   atomic.Int64 // connections that were acquired and not released
	asking atomic.Int64 // callers inside Acquire
}

func newWatcher(pool weak.Pointer[pgxpool.Pool], size int64, opts []Option) *watcher {
	w := &watcher{pool: pool, size: size, guard: configOf(opts).newGuard()}
	w.guard.OnSettle(w.settle)
	return w
}
