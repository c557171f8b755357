package server

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/reeve-run/reeve/internal/bus"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/gateway"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/internal/supervisor"
)

// Server is one node with everything it needs. It is safe for concurrent use.
type Server struct {
	cfg     Config
	locks   []*sqlite.Lock // of the data directory, and of the database's where that is another
	store   journal.Store
	journal *journal.Journal
	runs    *supervisor.Supervisor
	gateway *gateway.Gateway
	health  *health

	draining atomic.Bool
	address  atomic.Pointer[string] // where it listens
	halted   context.Context        // ends by Halt
	halt     context.CancelFunc
	closing  sync.Once
	closed   error
}

// New opens the data directory, the database and the tokens. It refuses, with what to do
// about it, when another server holds the directory, when the database cannot be used, or when
// anybody could come in from outside. The caller runs the server (Run, Serve or Work, one of them, once)
// or closes it.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := withDefaults(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	s.halted, s.halt = context.WithCancel(context.Background())
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	authenticate, err := s.cfg.authenticator()
	if err != nil {
		return err
	}
	if err := s.openStore(ctx); err != nil {
		return err
	}
	hints := bus.New()
	s.journal = journal.New(s.store, journal.Config{Publisher: hints, Redact: s.cfg.Redact, MaxEntry: s.cfg.MaxEntry, Logger: s.cfg.Logger})
	s.runs, err = supervisor.New(supervisor.Config{
		Journal: s.journal, Agents: s.cfg.Agents, Hints: hints, Logger: s.cfg.Logger,
		Engine:  engine.Config{Stall: s.cfg.Stall},
		Address: s.cfg.Addr, Version: s.cfg.Version,
		Lease: s.cfg.Lease, Grace: s.cfg.Grace, MaxRuns: s.cfg.MaxRuns, PerOwner: s.cfg.PerOwner, Own: s.cfg.Own,
	})
	if err != nil {
		return err
	}
	s.health = newHealth(s)
	registry := prometheus.NewRegistry()
	s.gateway = gateway.New(gateway.Config{
		Runs: s.runs, Agents: s.runs, Log: kept{s.journal.Reader, s.journal.Keeper}, Hints: hints, Health: s.health,
		Authenticate: authenticate, Loopback: s.cfg.open(), Version: s.cfg.Version, Limits: s.cfg.Limits, Logger: s.cfg.Logger,
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), Registerer: registry,
	})
	register(registry, s)
	return nil
}

// kept is what the gateway reads and keeps; Journal's own Run is another thing than a run.
type kept struct {
	journal.Reader
	journal.Keeper
}

// openStore takes the locks before it touches a file.
func (s *Server) openStore(ctx context.Context) error {
	path, err := s.cfg.databasePath()
	if err != nil {
		return err
	}
	data, err := filepath.Abs(s.cfg.DataDir)
	if err != nil {
		return err
	}
	s.cfg.DataDir = data
	dirs := []string{data}
	if dir := filepath.Dir(path); dir != data {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		lock, err := sqlite.Acquire(dir)
		if err != nil {
			return err
		}
		s.locks = append(s.locks, lock)
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: path, Readers: s.cfg.Pool - 1, Logger: s.cfg.Logger})
	if err != nil {
		return err
	}
	s.store = store
	return nil
}

// Handler serves every route, to be mounted at the root of another program's mux; it works
// while Run, Serve or Work does. Without a token file and an Authenticate it takes requests on loopback only.
func (s *Server) Handler() http.Handler { return s.gateway.Handler() }

// Addr is where the server listens, as a URL; "" before it does, and when it has no listener.
func (s *Server) Addr() string {
	if a := s.address.Load(); a != nil {
		return *a
	}
	return ""
}

// Ready is closed when the server takes work.
func (s *Server) Ready() <-chan struct{} { return s.runs.Joined() }

// Halt ends the server at once, also in the middle of a graceful stop. It does not wait.
func (s *Server) Halt() { s.halt() }

// Close lets go of the store and the data directory. Run, Serve and Work do it themselves; it is for a server
// that is not run.
func (s *Server) Close() error {
	s.closing.Do(func() {
		var errs []error
		s.halt()
		if s.store != nil {
			errs = append(errs, s.store.Close())
		}
		for _, lock := range s.locks {
			errs = append(errs, lock.Release())
		}
		s.closed = errors.Join(errs...)
	})
	return s.closed
}
