package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
)

// Hints tells that some thread can be claimed. The function does not block; it is not
// called after cancel.
type Hints interface {
	SubscribeRunnable(fn func()) (cancel func())
}

// Config is what a Supervisor works with. The zero value of an optional field is its default.
type Config struct {
	Journal *journal.Journal // must run for as long as the supervisor does
	Agents  []agent.Runnable
	Engine  engine.Config // bounds of single runs; Journal, Agents, Logger, Live and Leased are set by New
	Hints   Hints         // optional: without it claims are looked for once a second
	Logger  *slog.Logger

	Address string // of the node, for other nodes and operators
	Version string

	Lease    time.Duration // how long the node is alive after a beat; 3 s
	Grace    time.Duration // how long running work may go on when the node stops; 10 s
	MaxRuns  int           // runs in hand at once; 10,000
	PerOwner int           // runs in hand at once of one owner; 0: no limit
	Own      bool          // take up only runs that were accepted here, as the server inside `reeve run` does
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Lease <= 0 {
		c.Lease = 3 * time.Second
	}
	if c.Grace <= 0 {
		c.Grace = 10 * time.Second
	}
	if c.MaxRuns <= 0 {
		c.MaxRuns = 10_000
	}
	if c.Engine.ReturnBound <= 0 {
		c.Engine.ReturnBound = 10 * time.Second
	}
	return c
}

// Supervisor is a node's many runs. It is safe for concurrent use.
type Supervisor struct {
	cfg     Config
	log     *slog.Logger
	engine  *engine.Engine
	agents  map[string]agent.Runnable
	names   []string // of the agents, sorted
	lease   *lease
	slots   *slots
	table   *table
	inbox   *inbox
	doubts  *doubts
	own     *own
	metrics *metrics

	term     atomic.Pointer[term] // nil before Run has joined and after it has left
	joined   chan struct{}        // closed by the first join
	stopping atomic.Bool
	wake     chan struct{} // holds one token while there may be something to claim
	accepts  *gate         // accepts that may come back with a thread

	// life ends with Run, or by Halt: what was begun on behalf of a client may outlive the
	// client, but not the supervisor. Every term hangs on it.
	life context.Context
	end  context.CancelFunc
}

// New makes a supervisor. It refuses agents with illegal names or the same name.
func New(cfg Config) (*Supervisor, error) {
	cfg = cfg.withDefaults()
	s := &Supervisor{
		cfg: cfg, log: cfg.Logger,
		lease: newLease(cfg.Lease), table: newTable(), inbox: newInbox(), doubts: newDoubts(), own: newOwn(),
		joined: make(chan struct{}), wake: make(chan struct{}, 1), accepts: newGate(),
	}
	if err := s.enlist(cfg.Agents); err != nil {
		return nil, err
	}
	s.slots = newSlots(cfg.MaxRuns, cfg.PerOwner, s.rouse)
	s.metrics = newMetrics(s)
	s.life, s.end = context.WithCancel(context.Background())
	cfg.Engine.Journal, cfg.Engine.Agents, cfg.Engine.Logger, cfg.Engine.Live = cfg.Journal, s.agents, cfg.Logger, s.lease.wait
	cfg.Engine.Leased = s.lease.good
	s.engine = engine.New(cfg.Engine)
	return s, nil
}

// rouse lets the claims look at once.
func (s *Supervisor) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run joins the cluster and works until ctx ends; then it lets running work go on for the
// grace period, hands the rest over by the log, and leaves. Halt cuts that short. It is called
// once. Its only error is that the node could not join.
func (s *Supervisor) Run(ctx context.Context) error {
	defer s.end()
	if err := s.join(ctx); err != nil {
		return fmt.Errorf("join the cluster: %w", err)
	}
	close(s.joined)
	if s.cfg.Hints != nil {
		defer s.cfg.Hints.SubscribeRunnable(s.rouse)()
	}
	// Claims end first and the beats last, so that nothing new comes in while what is in hand
	// is still ours.
	claiming, stopClaims := context.WithCancel(ctx)
	loops, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	var claims, others sync.WaitGroup
	claims.Go(func() { s.claims(claiming) })
	others.Go(func() { s.beats(loops) })
	others.Go(func() { s.reads(loops) })
	others.Go(func() { s.watches(loops) })

	select {
	case <-ctx.Done():
	case <-s.life.Done():
	}
	s.stopping.Store(true)
	stopClaims()
	claims.Wait() // bounded: a claim is one unit
	s.drain()
	stopLoops()
	others.Wait()
	s.leave()
	return nil
}

// Halt ends Run at once, also in the middle of a graceful stop: nothing more is
// written, and what was running goes on after the next start, from the log. It does not wait.
func (s *Supervisor) Halt() { s.end() }

// Node is the id of the present term; "" before the first and after the last.
func (s *Supervisor) Node() reeve.NodeID {
	if t := s.term.Load(); t != nil {
		return t.node
	}
	return ""
}

// Joined is closed when Run has joined for the first time.
func (s *Supervisor) Joined() <-chan struct{} { return s.joined }

// Lease is how long ago the last beat went through, and whether the node may still trust its claims.
func (s *Supervisor) Lease() (age time.Duration, good bool) {
	age = s.lease.age()
	return age, age < s.lease.bound && s.term.Load() != nil
}
