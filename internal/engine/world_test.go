package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one store and the nodes that live and die on it, in turn.
type world struct {
	t      *testing.T
	store  *memory.Store
	agents map[string]agent.Runnable
	nodes  int
	cfg    engine.Config // Journal and Agents are filled in

	redact     func(reeve.Kind, json.RawMessage) json.RawMessage
	slow       time.Duration // what each commit takes
	letGoAfter time.Duration // each node hands its runs over after this while; 0: it does not
}

func newWorld(t *testing.T, agents ...agent.Runnable) *world {
	w := &world{t: t, store: memory.New(), agents: map[string]agent.Runnable{}}
	for _, a := range agents {
		w.agents[a.Name()] = a
	}
	return w
}

// crashing lets so many commits through; then the node is dead: nothing more is written.
type crashing struct {
	journal.Store
	mu    sync.Mutex
	left  int // below zero: no crash
	slow  time.Duration
	crash context.CancelCauseFunc
}

var errCrash = errors.New("the node has crashed")

func (c *crashing) Commit(ctx context.Context, batch []journal.Op) ([]journal.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		c.crash(errCrash)
		return nil, errCrash
	}
	time.Sleep(c.slow)
	res, err := c.Store.Commit(ctx, batch)
	if c.left--; c.left == 0 {
		c.crash(errCrash)
	}
	return res, err
}

// node runs a journal and an engine until fn returns, over a store that crashes after so many commits.
func (w *world) node(commits int, fn func(ctx context.Context, j *journal.Journal, e *engine.Engine, id reeve.NodeID)) {
	w.nodes++
	id := reeve.NodeID(fmt.Sprintf("node-%d", w.nodes))
	ctx, cancel := context.WithCancelCause(context.Background())
	if err := w.store.Join(ctx, journal.Node{ID: id}); err != nil {
		w.t.Fatal(err)
	}
	j := journal.New(&crashing{Store: w.store, left: commits, slow: w.slow, crash: cancel}, journal.Config{Redact: w.redact})
	running := make(chan struct{})
	go func() { defer close(running); _ = j.Run(ctx) }()
	cfg := w.cfg
	cfg.Journal, cfg.Agents = j, w.agents
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	fn(ctx, j, engine.New(cfg), id)
	cancel(nil)
	<-running
}

// accept starts a run on a thread of its own.
func (w *world) accept(name, input string) reeve.RunID {
	res, err := w.store.Commit(w.t.Context(), []journal.Op{&journal.Accept{
		Thread: reeve.ThreadID(fmt.Sprintf("t%d", w.nodes)), Create: true, Agent: name, Input: json.RawMessage(input), OnBusy: reeve.Enqueue,
	}})
	if err != nil || res[0].Err != nil {
		w.t.Fatal(err, res)
	}
	w.nodes++
	return res[0].Run.ID
}

// drive claims and executes the run on one node until it has ended or the node has crashed.
func (w *world) drive(run reeve.RunID, commits int) (outcomes []engine.Outcome) {
	w.node(commits, func(ctx context.Context, j *journal.Journal, e *engine.Engine, id reeve.NodeID) {
		for ctx.Err() == nil && !w.run(run).Status.Ended() {
			claimed, err := j.Claim(ctx, journal.ClaimQuery{Node: id, Agents: w.names(), Limit: 10})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, c := range claimed {
				x := e.Begin(c)
				stop := w.listen(x, c.LastSeq)
				outcomes = append(outcomes, w.execute(ctx, x))
				stop()
			}
			if len(claimed) == 0 {
				time.Sleep(time.Second)
			}
		}
	})
	return outcomes
}

// execute runs on a goroutine of its own, because the author's code may end it.
func (w *world) execute(ctx context.Context, x *engine.Execution) (out engine.Outcome) {
	if w.letGoAfter > 0 {
		handing := time.AfterFunc(w.letGoAfter, func() { x.LetGo("the node is stopping") })
		defer handing.Stop()
		w.letGoAfter = 0
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		out = x.Run(ctx)
	}()
	<-done
	return out
}

// listen delivers what comes from outside, as a supervisor does.
func (w *world) listen(x *engine.Execution, after int64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			entries, _ := w.store.Entries(ctx, journal.EntryQuery{Thread: x.Claim().Run.Thread, After: after, Limit: 1000})
			x.Deliver(entries)
			if n := len(entries); n > 0 {
				after = entries[n-1].Seq
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (w *world) names() []string {
	var names []string
	for name := range w.agents {
		names = append(names, name)
	}
	return names
}

func (w *world) run(id reeve.RunID) reeve.Run {
	r, err := w.store.Run(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) entries(run reeve.RunID) []reeve.Entry {
	entries, err := w.store.Entries(context.Background(), journal.EntryQuery{Thread: run.Thread(), Run: run, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

// kinds are the run's kinds, in order, text left out.
func (w *world) kinds(run reeve.RunID) (kinds []reeve.Kind) {
	for _, e := range w.entries(run) {
		if e.Kind != reeve.KindTextAppended {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// tally counts what branches did.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
	return c.n[what]
}
