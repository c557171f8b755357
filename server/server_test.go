package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/server"
	"github.com/reeve-run/reeve/wire"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		serveToDie(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

type text struct {
	Text string `json:"text"`
}

var hello = agent.New("hello", func(ctx agent.Context, in text) (text, error) {
	said, err := agent.Step(ctx, "say", func(context.Context) (string, error) { return "hello " + in.Text, nil })
	return text{said}, err
})

// caller is a client of a server.
type caller struct {
	t    *testing.T
	url  string
	http *http.Client
}

func newCaller(t *testing.T, url string) caller {
	return caller{t: t, url: url, http: &http.Client{Transport: &http.Transport{}}}
}

// running is a server that serves on a free port of loopback.
type running struct {
	*server.Server
	caller
	stop context.CancelFunc
	done chan error
}

func config(t *testing.T, agents ...agent.Runnable) server.Config {
	return server.Config{Agents: agents, Addr: "127.0.0.1:0", DataDir: filepath.Join(t.TempDir(), "data"), Logger: slog.New(slog.DiscardHandler), Version: "test"}
}

func start(t *testing.T, cfg server.Config) *running {
	t.Helper()
	s, err := server.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: s, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-r.done:
		t.Fatalf("the server ended with %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the server does not become ready")
	}
	r.caller = newCaller(t, s.Addr())
	t.Cleanup(func() { r.Halt(); r.wait() })
	return r
}

// wait waits until the server has ended, however often it is called.
func (r *running) wait() {
	r.t.Helper()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("the server ended with %v", err)
		}
		r.done <- nil
	case <-time.After(time.Minute):
		r.t.Fatal("the server does not end")
	}
	r.stop()
	r.http.CloseIdleConnections()
}

// do makes a request and decodes the answer.
func (r *caller) do(method, path, body string, into any) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if s, ok := into.(*string); ok {
		*s = string(raw)
	} else if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return res.StatusCode
}

func (r *caller) await(id reeve.RunID, want reeve.Status) reeve.Run {
	r.t.Helper()
	var run reeve.Run
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if status := r.do("GET", "/v1/runs/"+string(id)+"?wait=5s", "", &run); status != 200 {
			r.t.Fatalf("run %s: status %d", id, status)
		}
		if run.Status == want {
			return run
		}
		if run.Status.Ended() {
			r.t.Fatalf("run %s is %s (%+v), want %s", id, run.Status, run.Error, want)
		}
	}
	r.t.Fatalf("run %s is %s, want %s", id, run.Status, want)
	return run
}

func TestARunOverHTTP(t *testing.T) {
	s := start(t, config(t, hello))
	var run reeve.Run
	if status := s.do("POST", "/v1/runs?wait=30s", `{"agent":"hello","input":{"text":"you"}}`, &run); status != 201 {
		t.Fatalf("status %d", status)
	}
	if run.Status != reeve.StatusCompleted || string(run.Result) != `{"text":"hello you"}` {
		t.Fatalf("run %+v", run)
	}
	var health wire.Health
	if status := s.do("GET", "/health", "", &health); status != 200 || health.Status != "healthy" || health.Version != "test" {
		t.Errorf("health: %d, %+v", status, health)
	}
	for _, check := range []string{"store", "disk", "lease", "agents", "server"} {
		if !health.Checks[check].OK {
			t.Errorf("check %s: %+v", check, health.Checks[check])
		}
	}
	if info := health.Checks["store"].Info; info["journal_mode"] != "wal" || info["synchronous"] != "full" {
		t.Errorf("the store tells %v", info)
	}
	if status := s.do("GET", "/readyz", "", nil); status != 200 {
		t.Errorf("readyz: %d", status)
	}
	var metrics string
	s.do("GET", "/metrics", "", &metrics)
	for _, name := range []string{
		"reeve_claims_total 1", `reeve_executions_ended_total{agent="hello",end="completed"} 1`, "reeve_runs_in_flight 0",
		"reeve_journal_commits_total", "reeve_units_open", "reeve_unit_held_seconds_bucket", "reeve_unit_longest_seconds",
		"reeve_beat_age_seconds", "go_goroutines", "process_open_fds", "reeve_http_requests_total",
	} {
		if !strings.Contains(metrics, name) {
			t.Errorf("%s is not among the metrics", name)
		}
	}
	s.stop()
	s.wait()
}

func TestTheDataDirectoryHasOneServer(t *testing.T) {
	cfg := config(t, hello)
	s := start(t, cfg)
	_, err := server.New(t.Context(), cfg)
	if reeve.CodeOf(err) != reeve.CodeConflict || !strings.Contains(err.Error(), s.Addr()) {
		t.Fatalf("a second server: %v", err)
	}
	other := cfg
	other.DB = "sqlite:" + filepath.Join(cfg.DataDir, "other.db")
	other.DataDir = t.TempDir()
	if _, err := server.New(t.Context(), other); reeve.CodeOf(err) != reeve.CodeConflict {
		t.Fatalf("a database in a held directory: %v", err)
	}
	s.stop()
	s.wait()
	next, err := server.New(t.Context(), cfg)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("this is no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*server.Config)
		want   string
	}{
		"open to others":       {func(c *server.Config) { c.Addr = "0.0.0.0:0" }, "token file"},
		"open on every one":    {func(c *server.Config) { c.Addr = ":8000" }, "token file"},
		"no port":              {func(c *server.Config) { c.Addr = "127.0.0.1" }, "HOST:PORT"},
		"postgres":             {func(c *server.Config) { c.DB = "postgres://u:secret@db/reeve" }, "not in this version yet"},
		"another database":     {func(c *server.Config) { c.DB = "mysql://u:secret@db/reeve" }, "sqlite:PATH"},
		"no such token file":   {func(c *server.Config) { c.TokenFile = filepath.Join(dir, "none") }, "none"},
		"two ways in":          {func(c *server.Config) { c.TokenFile, c.Authenticate = "x", loopback }, "one of them"},
		"a corrupt file":       {func(c *server.Config) { c.DB = "sqlite:" + garbage }, "garbage.db"},
		"a pool of one":        {func(c *server.Config) { c.Pool = 1 }, "pool"},
		"a lease too short":    {func(c *server.Config) { c.Lease = time.Millisecond }, "lease"},
		"two agents of a name": {func(c *server.Config) { c.Agents = []agent.Runnable{hello, hello} }, `"hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, hello)
			tt.change(&cfg)
			_, err := server.New(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func loopback(*http.Request) (server.Principal, error) { return auth.Local, nil }

func TestAnOpenServerDoesNotServeOthers(t *testing.T) {
	s, err := server.New(t.Context(), config(t, hello))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), l); reeve.CodeOf(err) != reeve.CodeInvalid {
		t.Fatalf("served on %s: %v", l.Addr(), err)
	}
}

// TestTheHandlerInAnotherMux mounts it beside a page of another program, which listens itself.
func TestTheHandlerInAnotherMux(t *testing.T) {
	s, err := server.New(t.Context(), config(t, hello))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Work(ctx) }()
	<-s.Ready()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /own", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "own") })
	mux.Handle("/", s.Handler())
	host := httptest.NewServer(mux)
	res, err := host.Client().Get(host.URL + "/v1/agents")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("through the mux: %v, %v", res, err)
	}
	_ = res.Body.Close()
	host.Close()

	// A connection that did not come in on loopback, whatever its Host says.
	req := httptest.NewRequest(http.MethodGet, "http://localhost/v1/agents", nil)
	req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80})))
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req)
	if w.Code != 401 {
		t.Errorf("a request from outside: %d", w.Code)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
