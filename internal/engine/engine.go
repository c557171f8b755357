package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// Config is what an Engine works with. The zero value of an optional field is its default.
type Config struct {
	Journal *journal.Journal
	Agents  map[string]agent.Runnable
	Logger  *slog.Logger

	// Live is asked before each step: it returns at once while the node's lease is good, and
	// otherwise waits until it is, or until ctx ends. Optional.
	Live func(ctx context.Context) error
	// Leased says whether Live would return at once; optional, and only for what States shows.
	Leased func() bool

	WaitBound   time.Duration // how long every branch waits before the run lets go of its node; a minute
	ReturnBound time.Duration // how long a function may take to return after its context has ended before it is named; 10 s
	Stall       time.Duration // silence of a step that is reported, unless the step says otherwise; a minute
	MaxDepth    int           // agents below agents; 32
	MaxCalls    int           // operations of a scope after which it may start no further branch; 10,000
	MaxText     int           // bytes of a stream that may be on their way to the log; 1 MiB
}

// Engine executes runs. It is safe for concurrent use.
type Engine struct{ cfg Config }

// New makes an engine.
func New(cfg Config) *Engine { return &Engine{cfg: cfg.withDefaults()} }

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Live == nil {
		c.Live = func(context.Context) error { return nil }
	}
	c.WaitBound = orDefault(c.WaitBound, time.Minute)
	c.ReturnBound = orDefault(c.ReturnBound, 10*time.Second)
	c.Stall = orDefault(c.Stall, time.Minute)
	c.MaxDepth = orDefault(c.MaxDepth, 32)
	c.MaxCalls = orDefault(c.MaxCalls, 10_000)
	c.MaxText = orDefault(c.MaxText, 1<<20)
	return c
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// End says how an execution came out.
type End string

// The ends of an execution. The first three are in the log as the run's end.
const (
	Completed End = "completed"
	Failed    End = "failed"
	Cancelled End = "cancelled"
	Waiting   End = "waiting" // let go to wait; somebody or some time brings it back
	Handed    End = "handed"  // let go for another node, or this one, to go on at once
	Lost      End = "lost"    // the thread is somebody else's, or the lease is gone: nothing was written
)

// Outcome is what Run returns.
type Outcome struct {
	End End
	Err error // of Failed and Lost, for the operator's log
}
