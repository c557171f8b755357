package regress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/server"
	"github.com/reeve-run/reeve/session/sessiontest"
	"github.com/reeve-run/reeve/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(builtDir) // "" when no worker was built
		os.Exit(status)
	}))
}

// hang is past what anything here takes, on a machine that is busy with other things: whoever is not
// done by then never will be.
const hang = time.Minute

// house is a server that listens on loopback and writes a file. No unit may be left open when its
// test ends.
type house struct {
	t      testing.TB
	server *server.Server
	url    string
	file   string // the database
	http   *http.Client
}

// open starts a server with these agents.
func open(t testing.TB, agents ...agent.Runnable) *house {
	t.Helper()
	return openWith(t, server.Config{Agents: agents})
}

func openWith(t testing.TB, cfg server.Config) *house {
	t.Helper()
	sessiontest.VerifyNone(t) // looked at last, when the server has ended
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := server.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, server: s, url: "http://" + l.Addr().String(), file: filepath.Join(cfg.DataDir, "reeve.db"), http: &http.Client{Transport: &http.Transport{}}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		h.http.CloseIdleConnections()
		s.Halt()
		stop()
		if err := within(ended); err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	select {
	case <-s.Ready():
	case <-time.After(hang):
		t.Fatal("the server does not become ready")
	}
	return h
}

// within waits for what must come.
func within(ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-time.After(hang):
		return fmt.Errorf("it hangs: nothing for %s", hang)
	}
}

// call makes a request and decodes the answer, if it is a good one.
func (h *house) call(method, path string, body, into any) int {
	h.t.Helper()
	status, err := h.try(method, path, body, into)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status
}

// try is call for any goroutine.
func (h *house) try(method, path string, body, into any) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*hang)
	defer cancel()
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(encode(h.t, body))
	}
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, content)
	if err != nil {
		return 0, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := h.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || into == nil || res.StatusCode >= 300 {
		return res.StatusCode, err
	}
	return res.StatusCode, json.Unmarshal(raw, into)
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// begin starts a run on a thread of its own.
func (h *house) begin(name string, input any) reeve.Run {
	h.t.Helper()
	var run reeve.Run
	if status := h.call("POST", "/v1/runs", map[string]any{"agent": name, "input": input}, &run); status != http.StatusCreated {
		h.t.Fatalf("start %s: status %d", name, status)
	}
	return run
}

// await waits until the run has ended. One that hangs fails the test with the server's own account of it.
func (h *house) await(id reeve.RunID, bound time.Duration) reeve.Run {
	h.t.Helper()
	for end := time.Now().Add(bound); ; {
		var run reeve.Run
		wait := min(time.Until(end), 30*time.Second).Truncate(time.Millisecond)
		if status := h.call("GET", fmt.Sprintf("/v1/runs/%s?wait=%s", id, max(wait, time.Millisecond)), nil, &run); status != http.StatusOK {
			h.t.Fatalf("run %s: status %d", id, status)
		}
		switch {
		case run.Status.Ended():
			return run
		case time.Now().After(end):
			h.t.Fatalf("run %s hangs: it is %s after %s. %s", id, run.Status, bound, h.why(id))
		}
	}
}

// why is the server's account of what a run waits for.
func (h *house) why(id reeve.RunID) string {
	h.t.Helper()
	var why wire.Why
	h.call("GET", "/v1/runs/"+string(id)+"/why", nil, &why)
	return string(encode(h.t, why))
}

// completes awaits a run that must complete.
func (h *house) completes(id reeve.RunID) reeve.Run {
	h.t.Helper()
	run := h.await(id, hang)
	if run.Status != reeve.StatusCompleted {
		h.t.Fatalf("run %s is %s: %+v", id, run.Status, run.Error)
	}
	return run
}

// log is every entry of the run, as the server serves it.
func (h *house) log(id reeve.RunID) []reeve.Entry {
	h.t.Helper()
	var log []reeve.Entry
	for after := int64(0); ; {
		var page wire.Entries
		if status := h.call("GET", fmt.Sprintf("/v1/runs/%s/entries?after=%d&limit=1000", id, after), nil, &page); status != http.StatusOK {
			h.t.Fatalf("entries of %s: status %d", id, status)
		}
		log = append(log, page.Entries...)
		if page.Next == "" || len(page.Entries) == 0 {
			return log
		}
		after = page.Entries[len(page.Entries)-1].Seq
	}
}

// eventually waits until the fact holds.
func eventually(t testing.TB, fact string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(hang); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("not after %s: %s", hang, fact)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// in is the same house for a subtest.
func (h *house) in(t testing.TB) *house {
	c := *h
	c.t = t
	return &c
}

// get is the body of a page.
func get(t testing.TB, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: hang}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, res.Status, err, raw)
	}
	return string(raw)
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
