package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/bus"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang is when a test gives up; nothing is measured by it.
const hang = 60 * time.Second

const node = reeve.NodeID("node-1")

// world is a gateway on a real log and a real HTTP server on loopback. The test itself is the
// supervisor: it writes what runs do.
type world struct {
	testing.TB
	store   *memory.Store
	journal *journal.Journal
	bus     *bus.Bus
	hints   *hints
	gate    *Gateway
	server  *httptest.Server
	http    *http.Client
	desk    *desk
	metrics *prometheus.Registry
	token   string // sent with every request unless ""
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{TB: t, store: memory.New(), bus: bus.New(), metrics: prometheus.NewRegistry()}
	w.hints = &hints{bus: w.bus}
	w.journal = journal.New(w.store, journal.Config{Publisher: w.hints})
	if err := w.store.Join(t.Context(), journal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	w.desk = &desk{w: w, owners: map[reeve.RunID]*journal.Owner{}, paused: map[string]bool{}}
	config := Config{
		Runs: w.desk, Agents: w.desk, Log: w.store, Hints: w.bus, Health: w.desk,
		Authenticate: auth.Loopback(), Loopback: true, Version: "test",
		Logger: slog.New(slog.DiscardHandler), Registerer: w.metrics,
	}
	for _, c := range change {
		c(&config)
	}
	w.gate = New(config)
	w.server = httptest.NewServer(w.gate.Handler())
	transport := &http.Transport{DialContext: narrow}
	w.http = &http.Client{Transport: transport}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.journal.Run(ctx) }()
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), hang)
		defer cancel()
		if err := w.gate.Close(closing); err != nil {
			t.Errorf("close: %v", err)
		}
		w.server.Close()
		transport.CloseIdleConnections()
		stop()
		<-done
	})
	return w
}

// narrow dials with a small buffer for reading, so that a client that does not read is soon felt.
func narrow(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return c, c.(*net.TCPConn).SetReadBuffer(64 << 10)
}

// hints publishes to the bus, and can lose what it is told to lose.
type hints struct {
	bus *bus.Bus
	mu  sync.Mutex
	cut func(entries []reeve.Entry) (publish bool, as []reeve.Entry)
}

func (h *hints) lose(cut func([]reeve.Entry) (bool, []reeve.Entry)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut = cut
}

func (h *hints) Publish(thread reeve.ThreadID, last int64, entries []reeve.Entry) {
	h.mu.Lock()
	cut := h.cut
	h.mu.Unlock()
	publish := true
	if cut != nil {
		publish, entries = cut(entries)
	}
	if publish {
		h.bus.Publish(thread, last, entries)
	}
}

func (h *hints) Runnable() { h.bus.Runnable() }

// desk is what stands behind the gateway: it accepts runs and holds their threads for the test.
type desk struct {
	w      *world
	mu     sync.Mutex
	owners map[reeve.RunID]*journal.Owner
	paused map[string]bool
	beats  []reeve.Beat
	ill    error
}

func (d *desk) Accept(ctx context.Context, a *journal.Accept) (journal.Result, error) {
	taken := *a
	taken.Take = node
	res, err := d.w.journal.Do(ctx, &taken)
	if err == nil && res.Claimed != nil {
		d.hold(*res.Claimed)
	}
	return res, err
}

func (d *desk) hold(c journal.Claimed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owners[c.Run.ID] = d.w.journal.Owner(context.Background(), c)
}

func (d *desk) Answer(ctx context.Context, a *journal.Answer) (journal.Result, error) {
	return d.w.journal.Do(ctx, a)
}

func (d *desk) Cancel(ctx context.Context, c *journal.Cancel) (journal.Result, error) {
	return d.w.journal.Do(ctx, c)
}

func (d *desk) Retry(ctx context.Context, r *journal.Retry) (journal.Result, error) {
	return d.w.journal.Do(ctx, r)
}

func (d *desk) Beats(reeve.RunID) []reeve.Beat {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.beats
}

func (d *desk) Why(ctx context.Context, run reeve.RunID) (wire.Why, error) {
	r, err := d.w.store.Run(ctx, run)
	return wire.Why{Run: run, Status: r.Status, Summary: "it is in the hands of a test"}, err
}

func (d *desk) List(context.Context) ([]wire.Agent, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return []wire.Agent{{Name: "echo", Version: "1", Paused: d.paused["echo"], Running: len(d.owners)}}, nil
}

func (d *desk) Pause(ctx context.Context, name string, paused bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paused[name] = paused
	return d.w.store.SetPaused(ctx, name, paused)
}

func (d *desk) Has(name string) bool { return name == "echo" }

func (d *desk) Health(context.Context) wire.Health {
	if d.Ready() != nil {
		return wire.Health{Status: "unhealthy", Version: "test", Checks: map[string]wire.Check{"store": {Reason: d.ill.Error()}}}
	}
	return wire.Health{Status: "healthy", Version: "test", Checks: map[string]wire.Check{"store": {OK: true}}}
}

func (d *desk) Ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ill
}

// does has the run append entries of the kind, each in a commit of its own.
func (w *world) does(run reeve.RunID, drafts ...journal.Draft) {
	w.Helper()
	for _, d := range drafts {
		w.commits(run, nil, d)
	}
}

func (w *world) commits(run reeve.RunID, change *journal.Change, drafts ...journal.Draft) {
	w.Helper()
	for i := range drafts {
		drafts[i].Run = run
		drafts[i].Attempt = 1
	}
	w.desk.mu.Lock()
	owner := w.desk.owners[run]
	w.desk.mu.Unlock()
	if owner == nil {
		w.Fatalf("run %s is not in our hands", run)
	}
	if _, err := owner.Append(change, drafts...); err != nil {
		w.Fatalf("append to %s: %v", run, err)
	}
}

func step(path string) journal.Draft {
	return journal.Draft{Kind: reeve.KindStepCompleted, Path: path, Data: json.RawMessage(`"` + path + `"`)}
}

func (w *world) completes(run reeve.RunID) {
	w.Helper()
	w.commits(run, &journal.Change{Run: run, Status: reeve.StatusCompleted, Result: json.RawMessage(`"ok"`)},
		journal.Draft{Kind: reeve.KindMessageAdded, Data: json.RawMessage(`{"role":"agent","content":"ok"}`)},
		journal.Draft{Kind: reeve.KindRunCompleted, Data: json.RawMessage(`"ok"`)})
}

func (w *world) fails(run reeve.RunID) {
	w.Helper()
	failure := &reeve.Failure{Code: reeve.CodeAgentFailed, Message: "no"}
	w.commits(run, &journal.Change{Run: run, Status: reeve.StatusFailed, Error: failure},
		journal.Draft{Kind: reeve.KindRunFailed, Data: wire.Encode(failure)})
}

// claims takes the thread's run that is ready, as a node does.
func (w *world) claims(run reeve.RunID) {
	w.Helper()
	claimed, err := w.journal.Claim(w.Context(), journal.ClaimQuery{Node: node, Agents: []string{"echo"}, Run: run, Limit: 1})
	if err != nil || len(claimed) != 1 {
		w.Fatalf("claim %s: %v, %v", run, claimed, err)
	}
	w.desk.hold(claimed[0])
}

// log is what the store has, as a reader of the target must be told it from after on.
func (w *world) log(on target, after int64) []reeve.Entry {
	w.Helper()
	entries, err := w.store.Entries(w.Context(), journal.EntryQuery{Thread: on.thread, Run: on.run, After: after, Limit: 1000})
	if err != nil {
		w.Fatal(err)
	}
	for i := range entries {
		entries[i].First, after = after+1, entries[i].Seq
		entries[i].Scope, entries[i].N, entries[i].Name = "", 0, ""
	}
	return entries
}

// ask sends a request and gives the answer with its body read.
func (w *world) ask(method, path string, body any, headers ...string) (*http.Response, []byte) {
	w.Helper()
	var reader io.Reader
	if text, ok := body.(string); ok {
		reader = strings.NewReader(text)
	} else if body != nil {
		reader = bytes.NewReader(wire.Encode(body))
	}
	ctx, cancel := context.WithTimeout(w.Context(), hang)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, w.server.URL+path, reader)
	if err != nil {
		w.Fatal(err)
	}
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	res, err := w.http.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, text
}

// want is ask for a request that must be answered with the status; the body is decoded into T.
func want[T any](w *world, status int, method, path string, body any, headers ...string) T {
	w.Helper()
	res, text := w.ask(method, path, body, headers...)
	var v T
	if res.StatusCode != status {
		w.Fatalf("%s %s: got %s, want %d: %s", method, path, res.Status, status, text)
	}
	if err := json.Unmarshal(text, &v); err != nil && len(text) > 0 {
		w.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return v
}

// starts has a run begun on a new thread.
func (w *world) starts() reeve.Run {
	w.Helper()
	return want[reeve.Run](w, http.StatusCreated, "POST", "/v1/runs", wire.StartRun{Agent: "echo", Input: json.RawMessage(`{"text":"hi"}`)})
}

// metric is a counter or gauge with the label value; 0 when it was never touched.
func (w *world) metric(name, label string) float64 {
	w.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}
