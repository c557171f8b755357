package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// Runs takes what clients want of runs. A refusal comes as the error, with its code.
type Runs interface {
	Accept(ctx context.Context, a *journal.Accept) (journal.Result, error)
	Answer(ctx context.Context, a *journal.Answer) (journal.Result, error)
	Cancel(ctx context.Context, c *journal.Cancel) (journal.Result, error)
	Retry(ctx context.Context, r *journal.Retry) (journal.Result, error)
	Beats(run reeve.RunID) []reeve.Beat // nil when it is not on this node
	Why(ctx context.Context, run reeve.RunID) (wire.Why, error)
}

// Agents is what this server can run.
type Agents interface {
	List(ctx context.Context) ([]wire.Agent, error)
	Pause(ctx context.Context, name string, paused bool) error
	Has(name string) bool
}

// Log is what the gateway reads, and the two things it does to a thread by itself.
type Log interface {
	journal.Reader
	CreateThread(ctx context.Context, t reeve.Thread) (reeve.Thread, error)
	DeleteThread(ctx context.Context, owner string, id reeve.ThreadID) error
}

// Hints says when a thread has grown. The function must not block; it is not called after cancel.
type Hints interface {
	Subscribe(thread reeve.ThreadID, fn func(last int64, entries []reeve.Entry)) (cancel func())
}

// Health tells how the server is.
type Health interface {
	Health(ctx context.Context) wire.Health
	Ready() error // why no work can be taken just now; nil when it can
}

// Config is what a gateway is made of. All but the last five must be there.
type Config struct {
	Runs         Runs
	Agents       Agents
	Log          Log
	Hints        Hints
	Health       Health
	Authenticate auth.Authenticator

	Metrics    http.Handler          // of /metrics; nil: 404
	Loopback   bool                  // the server listens on loopback only: the Host header must say so
	Version    string                // of the server
	Limits     wire.Limits           // zero fields are wire.DefaultLimits
	Logger     *slog.Logger          // nil: slog.Default()
	Registerer prometheus.Registerer // nil: the gateway's metrics are kept and shown nowhere
}

// Gateway serves clients. It is safe for concurrent use; Close must be called in the end.
type Gateway struct {
	Config
	clock    *clock
	metrics  *metrics
	upgrader *upgrader
	handler  http.Handler

	ctx     context.Context // ends when the gateway closes: streams and sockets end with it
	cancel  context.CancelFunc
	mu      sync.Mutex // guards closing against new work
	closing bool
	work    sync.WaitGroup // streams, sockets, waiting requests
	streams int
	sockets int
}

// New makes a gateway. It starts nothing until somebody follows.
func New(c Config) *Gateway {
	c.Limits = c.Limits.Or(wire.DefaultLimits())
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Metrics == nil {
		c.Metrics = http.NotFoundHandler()
	}
	g := &Gateway{Config: c, metrics: newMetrics(c.Registerer)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.clock = newClock(c.Log, c.Logger, g.metrics.missedLooks.Inc)
	g.upgrader = newUpgrader(c.Limits.FrameBytes, wire.MS(c.Limits.WriteMS))
	g.handler = g.routes()
	return g
}

// Handler serves every route of the gateway. It may be mounted below another mux.
func (g *Gateway) Handler() http.Handler { return g.handler }

// Close ends every stream and socket: what is queued for them is written, sockets are closed
// with CloseGoingAway, waiting requests answer as the run stands. It returns when nobody is left,
// or with ctx's error when that ends first; then connections are cut off and Close waits for them.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closing = true
	g.mu.Unlock()
	g.cancel()
	for _, s := range g.clock.connected() {
		s.close(wire.CloseGoingAway, "the server stops")
	}
	idle := make(chan struct{})
	go func() {
		g.work.Wait()
		close(idle)
	}()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
		for _, s := range g.clock.connected() {
			s.cut()
		}
		<-idle // bounded: writes have deadlines, and cut sockets have no connection
	}
	g.clock.stop()
	return err
}

// enter counts a stream or socket in; leave must be called when it ends.
func (g *Gateway) enter(count *int, limit int, what string) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return nil, reeve.Errorf(reeve.CodeUnavailable, "the server stops: try again at once")
	}
	if *count >= limit {
		return nil, reeve.Errorf(reeve.CodeRateLimited, "the server has %d %s open: try later", *count, what)
	}
	*count++
	g.work.Add(1)
	return func() {
		g.mu.Lock()
		*count--
		g.mu.Unlock()
		g.work.Done()
	}, nil
}

func (g *Gateway) enterStream() (func(), error) {
	return g.enter(&g.streams, g.Limits.Streams, "streams")
}

func (g *Gateway) enterSocket() (func(), error) {
	return g.enter(&g.sockets, g.Limits.Sockets, "sockets")
}

// newBudget is the room for what waits for one client.
func (g *Gateway) newBudget() *budget {
	return &budget{maxEntries: int64(g.Limits.QueueEntries), maxBytes: g.Limits.QueueBytes}
}

// requestTime bounds how long the store may take for one request.
func (g *Gateway) requestTime() time.Duration { return wire.MS(g.Limits.RequestMS) }
