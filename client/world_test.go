package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/bus"
	"github.com/reeve-run/reeve/internal/gateway"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/supervisor"
	"github.com/reeve-run/reeve/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang is when a test gives up; nothing is measured by it.
const hang = 60 * time.Second

// world is a whole server in memory with real agents.
type world struct {
	*testing.T
	store  *memory.Store
	server *httptest.Server
	breaks *breaks
	client *client.Client
}

type steps struct {
	Steps int `json:"steps"`
}

// The agents of the tests.
var (
	walk = agent.New("walk", func(ctx agent.Context, in steps) (int, error) {
		for i := range in.Steps {
			if _, err := agent.Step(ctx, "step", func(context.Context) (int, error) { return i, nil }); err != nil {
				return 0, err
			}
		}
		return in.Steps, nil
	})
	ask = agent.New("ask", func(ctx agent.Context, _ any) (string, error) {
		return agent.Ask(ctx, "name", agent.Question[string]{Text: "what is your name?"})
	})
	stay = agent.New("stay", func(ctx agent.Context, _ any) (any, error) {
		return agent.Step(ctx, "stay", func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	})
	fall = agent.New("fall", func(ctx agent.Context, _ any) (any, error) {
		return agent.Step(ctx, "fall", func(context.Context) (any, error) {
			return nil, agent.Permanent(errors.New("it fell"))
		})
	})
)

func newWorld(t *testing.T, opts ...client.Option) *world {
	t.Helper()
	w := &world{T: t, store: memory.New()}
	hints := bus.New()
	log := journal.New(w.store, journal.Config{Publisher: hints})
	super, err := supervisor.New(supervisor.Config{
		Journal: log, Hints: hints, Agents: []agent.Runnable{walk, ask, stay, fall},
	})
	if err != nil {
		t.Fatal(err)
	}
	gate := gateway.New(gateway.Config{
		Runs: super, Agents: super, Log: w.store, Hints: hints, Health: well{}, Authenticate: auth.Loopback(), Loopback: true,
	})
	w.breaks = &breaks{next: gate.Handler()}
	w.server = httptest.NewServer(w.breaks)
	background, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running, working sync.WaitGroup
	super2, stopSuper := context.WithCancel(background)
	running.Go(func() { _ = log.Run(background) })
	working.Go(func() { _ = super.Run(super2) })
	transport := &http.Transport{}
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), hang)
		defer cancel()
		if err := gate.Close(closing); err != nil {
			t.Errorf("close: %v", err)
		}
		w.server.Close()
		transport.CloseIdleConnections()
		super.Halt()
		stopSuper()
		working.Wait()
		stop()
		running.Wait()
	})
	opts = append([]client.Option{client.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	if w.client, err = client.New(w.server.URL+"/", opts...); err != nil {
		t.Fatal(err)
	}
	return w
}

type well struct{}

func (well) Health(context.Context) wire.Health {
	return wire.Health{Status: "healthy", Version: "test"}
}
func (well) Ready() error { return nil }

// breaks is a network that breaks each stream after some bytes.
type breaks struct {
	next  http.Handler
	mu    sync.Mutex
	after int // bytes; 0: never
	count int // streams broken
	down  bool
}

func (b *breaks) set(after int, down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after, b.down = after, down
}

func (b *breaks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	after, down := b.after, b.down
	b.mu.Unlock()
	if down {
		panic(http.ErrAbortHandler)
	}
	if after > 0 && strings.HasSuffix(r.URL.Path, "/events") {
		w = &breaking{ResponseWriter: w, left: after, b: b}
	}
	b.next.ServeHTTP(w, r)
}

type breaking struct {
	http.ResponseWriter
	left int
	b    *breaks
}

func (w *breaking) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *breaking) Write(p []byte) (int, error) {
	if len(p) < w.left {
		w.left -= len(p)
		return w.ResponseWriter.Write(p)
	}
	_, _ = w.ResponseWriter.Write(p[:w.left])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	w.b.mu.Lock()
	w.b.count++
	w.b.mu.Unlock()
	panic(http.ErrAbortHandler) // the server cuts the connection
}

// starts has a run begun of an agent.
func (w *world) starts(s client.Start) reeve.Run {
	w.Helper()
	run, err := w.client.Start(w.Context(), s)
	if err != nil {
		w.Fatal(err)
	}
	return run
}

func walkOf(n int) client.Start {
	return client.Start{Agent: "walk", Input: []byte(`{"steps":` + strconv.Itoa(n) + `}`)}
}
