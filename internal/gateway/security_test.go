package gateway

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/wire"
)

// tokens makes a world that asks for tokens: an owner's, another's, an operator's.
func tokens(t *testing.T) (w *world, anna, berta, operator string) {
	t.Helper()
	var lines []string
	token := func(owner string, operator bool) string {
		token, line, err := auth.NewToken(owner, operator)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
		return token
	}
	anna, berta, operator = token("anna", false), token("berta", false), token("olga", true)
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := auth.OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, func(c *Config) {
		c.Authenticate, c.Loopback = file.Authenticate, false
		c.Limits.AuthMS = 1500
	})
	return w, anna, berta, operator
}

func TestEveryRouteAsksForAToken(t *testing.T) {
	w, anna, _, _ := tokens(t)
	want[wire.Runs](w, 200, "GET", "/v1/runs", nil, "Authorization", "Bearer "+anna)
	open := map[string]bool{"/health": true, "/livez": true, "/readyz": true, "/v1/ws": true}
	for _, rt := range w.gate.table() {
		if open[rt.path] {
			continue
		}
		path := strings.NewReplacer("{thread}", "t", "{run}", "t.1", "{agent}", "echo").Replace(rt.path)
		res, body := w.ask(rt.method, path, nil)
		if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") != "Bearer" ||
			!strings.Contains(string(body), `"unauthenticated"`) {
			t.Errorf("%s %s: %s %s", rt.method, path, res.Status, body)
		}
	}
	for _, path := range []string{"/", "/openapi.json"} {
		want[wire.Problem](w, 401, "GET", path, nil)
	}
	want[wire.Problem](w, 401, "GET", "/v1/runs", nil, "Authorization", "Bearer wrong")
	want[wire.Problem](w, 401, "GET", "/v1/runs?token=x&access_token=x", nil)
	if h := want[wire.Health](w, 200, "GET", "/health", nil); h.Status != "healthy" || h.Version != "" || h.Checks != nil {
		t.Errorf("health shows more than the status: %+v", h)
	}
	want[wire.Health](w, 200, "GET", "/livez", nil)
	want[wire.Health](w, 200, "GET", "/readyz", nil)
}

// TestAnotherOwnersThreadIsNotThere asks for it by every route and frame.
func TestAnotherOwnersThreadIsNotThere(t *testing.T) {
	w, anna, berta, operator := tokens(t)
	w.token = anna
	run := w.starts()
	w.token = berta
	names := strings.NewReplacer("{thread}", string(run.Thread), "{run}", string(run.ID))
	absent := strings.NewReplacer("{thread}", "none", "{run}", "none.1")
	bodies := map[string]any{"/answer": `{"ask":"a","value":1}`, "/runs": `{"agent":"echo"}`}
	tried := 0
	for _, rt := range w.gate.table() {
		if !strings.Contains(rt.path, "{thread}") && !strings.Contains(rt.path, "{run}") {
			continue
		}
		tried++
		body := bodies[rt.path[strings.LastIndex(rt.path, "/"):]]
		if rt.method == "GET" {
			body = nil
		}
		res, text := w.ask(rt.method, names.Replace(rt.path), body)
		other, none := w.ask(rt.method, absent.Replace(rt.path), body)
		same := strings.NewReplacer(string(run.Thread), "none").Replace(string(text))
		if res.StatusCode != http.StatusNotFound || other.StatusCode != http.StatusNotFound || same != string(none) {
			t.Errorf("%s %s: %s %s, but of what is not there %s %s", rt.method, rt.path, res.Status, text, other.Status, none)
		}
	}
	if tried < 13 {
		t.Errorf("only %d routes were tried", tried)
	}
	if page := want[wire.Runs](w, 200, "GET", "/v1/runs", nil); len(page.Runs) != 0 {
		t.Errorf("her runs are listed: %+v", page)
	}
	if page := want[wire.Threads](w, 200, "GET", "/v1/threads", nil); len(page.Threads) != 0 {
		t.Errorf("her threads are listed: %+v", page)
	}
	p := w.dial("Authorization", "Bearer "+berta)
	for _, frame := range []string{
		`{"type":"follow","id":1,"run":"` + string(run.ID) + `"}`,
		`{"type":"follow","id":1,"thread":"` + string(run.Thread) + `"}`,
		`{"type":"start","id":1,"agent":"echo","thread":"` + string(run.Thread) + `"}`,
		`{"type":"cancel","id":1,"run":"` + string(run.ID) + `"}`,
		`{"type":"answer","id":1,"run":"` + string(run.ID) + `","ask":"a","value":1}`,
	} {
		p.send(frame)
		if m := p.read(); m.Type != "error" || m.Problem.Code != reeve.CodeNotFound {
			t.Errorf("%s: %+v", frame, m)
		}
	}
	// The same key of another owner is another run.
	mine := want[reeve.Run](w, 201, "POST", "/v1/runs", `{"agent":"echo"}`, "Idempotency-Key", "k")
	w.token = anna
	if hers := want[reeve.Run](w, 201, "POST", "/v1/runs", `{"agent":"echo"}`, "Idempotency-Key", "k"); hers.ID == mine.ID {
		t.Error("two owners share a run by key")
	}

	w.token = operator
	want[reeve.Run](w, 200, "GET", "/v1/runs/"+string(run.ID), nil)
	want[wire.Why](w, 200, "GET", "/v1/runs/"+string(run.ID)+"/why", nil)
	if page := want[wire.Runs](w, 200, "GET", "/v1/runs", nil); len(page.Runs) != 3 {
		t.Errorf("the operator sees %d runs", len(page.Runs))
	}
	next := w.onThread(run.Thread)
	if r, err := w.store.Run(t.Context(), next); err != nil || r.Owner != "anna" {
		t.Errorf("a run that the operator started on her thread is %q's: %v", r.Owner, err)
	}
}

func TestOperatorsRoutes(t *testing.T) {
	w, anna, _, operator := tokens(t)
	w.token = anna
	run := w.starts()
	for _, r := range [][2]string{{"GET", "/metrics"}, {"GET", "/v1/runs/" + string(run.ID) + "/why"}, {"POST", "/v1/agents/echo/pause"}, {"POST", "/v1/agents/echo/resume"}} {
		if p := want[wire.Problem](w, 403, r[0], r[1], nil); p.Code != reeve.CodeForbidden {
			t.Errorf("%v: %+v", r, p)
		}
	}
	if h := want[wire.Health](w, 200, "GET", "/health", nil); h.Version == "" {
		t.Errorf("health to those who are known: %+v", h)
	}
	w.token = operator
	want[wire.Agent](w, 200, "POST", "/v1/agents/echo/pause", nil)
}

func TestSocketAuth(t *testing.T) {
	w, anna, berta, _ := tokens(t)
	if _, res, err := w.tryDial("Authorization", "Bearer wrong"); err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong token in the header: %v", err)
	}
	p := w.dial()
	p.send(`{"type":"auth","id":"a","token":"` + anna + `"}`)
	if m := p.read(); m.Type != "ok" || m.ID != "a" {
		t.Fatalf("auth: %+v", m)
	}
	p.send(`{"type":"start","id":"s","agent":"echo"}`)
	p.until("accepted")
	p.send(`{"type":"auth","id":"b","token":"` + berta + `"}`)
	if m := p.until("error"); m.ID != "b" || m.Problem.Code != reeve.CodeConflict {
		t.Errorf("another token on the same socket: %+v", m)
	}
	for _, frame := range []string{`{"type":"auth","token":"wrong"}`, `{"type":"ping"}`, `{`} {
		p := w.dial()
		p.send(frame)
		if m := p.read(); m.Type != "error" {
			t.Errorf("%s: %+v", frame, m)
		}
		if code := p.closed(); code != 1008 {
			t.Errorf("%s: closed with %d", frame, code)
		}
	}
	silent := w.dial()
	if code := silent.closed(); code != 1008 {
		t.Errorf("a socket that never said who it is: closed with %d", code)
	}
	if _, res, err := w.tryDial("Origin", "https://evil.example"); err == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin: %v", err)
	}
	same, _, err := w.tryDial("Origin", w.server.URL, "Authorization", "Bearer "+anna)
	if err != nil {
		t.Fatalf("a page of this origin: %v", err)
	}
	_ = same.c.CloseNow()
}

func TestRequestsOfOtherPages(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	body := `{"agent":"echo"}`
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		want[wire.Problem](w, 403, "POST", "/v1/runs", body, header...)
		want[wire.Problem](w, 403, "DELETE", "/v1/threads/"+string(run.Thread), nil, header...)
	}
	want[reeve.Run](w, 201, "POST", "/v1/runs", body, "Origin", w.server.URL)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ";"} {
		if p := want[wire.Problem](w, 415, "POST", "/v1/runs", body, "Content-Type", kind); p.Code != reeve.CodeInvalid {
			t.Errorf("%s: %+v", kind, p)
		}
	}
	want[reeve.Run](w, 201, "POST", "/v1/runs", body, "Content-Type", "application/json; charset=utf-8")
	for host, status := range map[string]int{
		"evil.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:80": 403, "10.0.0.1": 403, "[::2]:1": 403,
		"localhost": 200, "LOCALHOST:8000": 200, "127.0.0.1": 200, "127.8.9.1:1": 200, "[::1]": 200, "[::1]:80": 200, "app.localhost": 200,
	} {
		for _, path := range []string{"/livez", "/v1/runs"} {
			if res, text := w.ask("GET", path, nil, "Host", host); res.StatusCode != status {
				t.Errorf("host %s: %s %s", host, res.Status, text)
			}
		}
	}
	res, _ := w.ask("GET", "/", nil)
	for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if res.Header.Get(name) != value {
			t.Errorf("%s is %q", name, res.Header.Get(name))
		}
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.BodyBytes = 1000 })
	for _, bad := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/v1/runs", ``, 400, "no JSON"},
		{"POST", "/v1/runs", `{`, 400, "broken at byte 1"},
		{"POST", "/v1/runs", `[]`, 400, "object"},
		{"POST", "/v1/runs", `null`, 400, "object"},
		{"POST", "/v1/runs", `{} {}`, 400, "broken"},
		{"POST", "/v1/runs", `{"agent":"echo","Input":1}`, 400, `unknown field \"Input\"`},
		{"POST", "/v1/runs", `{"agent":"echo","agent":"echo"}`, 400, "stands twice"},
		{"POST", "/v1/runs", `{"agent":["echo"]}`, 400, `field \"agent\": want a string, got array`},
		{"POST", "/v1/runs", "{\"agent\":\"\xff\"}", 400, "UTF-8"},
		{"POST", "/v1/runs", `{"agent":""}`, 400, "agent is empty"},
		{"POST", "/v1/runs", `{"agent":"a/b"}`, 400, "no / and no #"},
		{"POST", "/v1/runs", `{"agent":"other"}`, 404, "no agent"},
		{"POST", "/v1/runs", `{"agent":"echo","input":` + strings.Repeat(`[`, 101) + strings.Repeat(`]`, 101) + `}`, 413, "100 levels"},
		{"POST", "/v1/runs", `{"agent":"echo","input":"` + strings.Repeat("x", 1000) + `"}`, 413, "more than 1000 bytes"},
		{"POST", "/v1/threads/a%2Fb/runs", `{"agent":"echo"}`, 400, "thread id"},
		{"POST", "/v1/threads/a%23b/runs", `{"agent":"echo"}`, 400, "thread id"},
		{"POST", "/v1/threads/none/runs", `{"agent":"echo"}`, 404, "thread none is not there"},
		{"GET", "/v1/runs/none", ``, 400, "THREAD.NUMBER"},
		{"GET", "/v1/runs/none.1", ``, 404, "run none.1 is not there"},
		{"GET", "/v1/nothing", ``, 404, "openapi.json"},
		{"PUT", "/v1/runs", `{}`, 405, "use GET, HEAD, POST"},
		{"GET", "/v1/ws", ``, 426, "WebSocket"},
		{"GET", "/v1/runs?limit=%zz", ``, 400, "query"},
	} {
		var body any
		if bad.body != "" {
			body = bad.body
		}
		res, text := w.ask(bad.method, bad.path, body)
		kind := res.Header.Get("Content-Type")
		if res.StatusCode != bad.status || kind != "application/problem+json" || !strings.Contains(string(text), bad.says) {
			t.Errorf("%s %s %.60s:\n got %s, %s, %s\nwant %d with %s", bad.method, bad.path, bad.body, res.Status, kind, text, bad.status, bad.says)
		}
	}
}

func TestSocketsThatNeverSpeakAreClosed(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.IdleMS, c.Limits.PingMS = 1000, 60_000 })
	const many = 1000
	for range many {
		if _, _, err := w.tryDial(); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(hang)
	for w.gate.open() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d sockets are still open", w.gate.open())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (g *Gateway) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sockets
}

func TestSocketsAreBounded(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.Sockets, c.Limits.Streams = 1, 1 })
	p := w.dial()
	if _, res, err := w.tryDial(); err == nil || res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second socket: %v", err)
	}
	_ = p.c.CloseNow()
	run := w.starts()
	f := w.feed("/v1/runs/" + string(run.ID) + "/events")
	defer f.close()
	res, _ := w.ask("GET", "/v1/runs/"+string(run.ID)+"/events", nil)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("a second stream: %s", res.Status)
	}
}
