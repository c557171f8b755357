package supervisor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/bus"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one store and the nodes on it.
type world struct {
	t       *testing.T
	store   journal.Store
	bus     *bus.Bus
	log     *logged
	threads int
	deaf    bool // nodes started from now on hear no hints
}

func newWorld(t *testing.T, store journal.Store) *world {
	return &world{t: t, store: store, bus: bus.New(), log: &logged{}}
}

// node is a supervisor that runs, over a journal of its own.
type node struct {
	*supervisor.Supervisor
	t       *testing.T
	store   journal.Store
	stop    context.CancelFunc
	done    chan error // of the supervisor's Run
	stopLog context.CancelFunc
	logDone chan error // of the journal's Run
}

// start starts a node and waits until it has joined.
func (w *world) start(cfg supervisor.Config, agents ...agent.Runnable) *node {
	w.t.Helper()
	return w.startOver(w.store, cfg, agents...)
}

func (w *world) startOver(store journal.Store, cfg supervisor.Config, agents ...agent.Runnable) *node {
	w.t.Helper()
	j := journal.New(store, journal.Config{Publisher: w.bus})
	cfg.Journal, cfg.Agents, cfg.Logger = j, agents, slog.New(w.log)
	if !w.deaf {
		cfg.Hints = w.bus
	}
	s, err := supervisor.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{Supervisor: s, t: w.t, store: store, done: make(chan error, 1), logDone: make(chan error, 1)}
	var ctx, logCtx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	logCtx, n.stopLog = context.WithCancel(context.Background())
	go func() { n.logDone <- j.Run(logCtx) }()
	go func() { n.done <- s.Run(ctx) }()
	eventually(w.t, "the node joins", func() bool { return s.Node() != "" })
	return n
}

// end stops the node gracefully and waits.
func (n *node) end() {
	n.t.Helper()
	n.stop()
	n.wait()
}

// kill stops the node at once, as a second signal does.
func (n *node) kill() {
	n.t.Helper()
	n.Halt()
	n.wait()
	n.stop()
}

func (n *node) wait() {
	n.t.Helper()
	select {
	case err := <-n.done:
		if err != nil {
			n.t.Errorf("the supervisor ended with %v", err)
		}
	case <-time.After(time.Minute):
		n.t.Fatal("the supervisor does not end")
	}
	n.stopLog()
	<-n.logDone
}

// accept starts a run on a thread of its own.
func (w *world) accept(n *node, name, input string) reeve.RunID {
	w.t.Helper()
	w.threads++
	return w.acceptOn(n, fmt.Sprintf("t%d", w.threads), "owner", name, input)
}

func (w *world) acceptOn(n *node, thread, owner, name, input string) reeve.RunID {
	w.t.Helper()
	res, err := n.Accept(context.Background(), &journal.Accept{
		Thread: reeve.ThreadID(thread), Create: true, Owner: owner, Agent: name, Input: json.RawMessage(input), OnBusy: reeve.Enqueue,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Run.ID
}

func (w *world) run(id reeve.RunID) reeve.Run {
	w.t.Helper()
	r, err := w.store.Run(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// await waits until the run has the status.
func (w *world) await(id reeve.RunID, want reeve.Status) reeve.Run {
	w.t.Helper()
	var r reeve.Run
	eventually(w.t, fmt.Sprintf("run %s is %s", id, want), func() bool {
		r = w.run(id)
		if r.Status.Ended() && r.Status != want {
			w.t.Fatalf("run %s is %s (%+v), want %s", id, r.Status, r.Error, want)
		}
		return r.Status == want
	})
	return r
}

// entries is the run's log.
func (w *world) entries(id reeve.RunID) []reeve.Entry {
	w.t.Helper()
	list, err := w.store.Entries(context.Background(), journal.EntryQuery{Thread: id.Thread(), Run: id, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) count(id reeve.RunID, kind reeve.Kind) int {
	n := 0
	for _, e := range w.entries(id) {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// eventually waits for a fact. The bound only says when it hangs.
func eventually(t *testing.T, what string, fact func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !fact(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func receive[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(2 * time.Minute):
		t.Fatalf("it never came that %s", what)
		panic("unreachable")
	}
}

// logged keeps the operator's log as lines of JSON.
type logged struct {
	mu    sync.Mutex
	lines []map[string]any
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }

func (l *logged) Handle(ctx context.Context, r slog.Record) error {
	var buf bytes.Buffer
	if err := slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}).Handle(ctx, r); err != nil {
		return err
	}
	line := map[string]any{}
	if err := json.Unmarshal(buf.Bytes(), &line); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logged) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logged) WithGroup(string) slog.Handler      { return l }

// of is the lines with the message.
func (l *logged) of(msg string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, line := range l.lines {
		if line["msg"] == msg {
			found = append(found, line)
		}
	}
	return found
}
