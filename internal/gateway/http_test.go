package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

func TestRunFromStartToEnd(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	if run.Status != reeve.StatusRunning || run.Agent != "echo" || string(run.Input) != `{"text":"hi"}` || run.ID != reeve.MakeRunID(run.Thread, 1) {
		t.Fatalf("started: %+v", run)
	}
	w.does(run.ID, step("a"), step("b"))
	w.completes(run.ID)

	got := want[reeve.Run](w, 200, "GET", "/v1/runs/"+string(run.ID), nil)
	if got.Status != reeve.StatusCompleted || string(got.Result) != `"ok"` || got.FinishedAt == nil {
		t.Fatalf("ended: %+v", got)
	}
	page := want[wire.Entries](w, 200, "GET", "/v1/runs/"+string(run.ID)+"/entries", nil)
	if diff := cmp.Diff(w.log(target{run.Thread, run.ID}, 0), page.Entries); diff != "" || page.Next != "" {
		t.Errorf("entries, next %q: %s", page.Next, diff)
	}
	threads := want[wire.Threads](w, 200, "GET", "/v1/threads", nil)
	if len(threads.Threads) != 1 || threads.Threads[0].LastSeq != 7 {
		t.Errorf("threads: %+v", threads)
	}
	runs := want[wire.Runs](w, 200, "GET", "/v1/threads/"+string(run.Thread)+"/runs?status=completed&agent=echo", nil)
	if len(runs.Runs) != 1 || runs.Runs[0].ID != run.ID {
		t.Errorf("runs: %+v", runs)
	}
	want[struct{}](w, http.StatusNoContent, "DELETE", "/v1/threads/"+string(run.Thread), nil)
	want[wire.Problem](w, 404, "GET", "/v1/runs/"+string(run.ID), nil)
}

func TestWaitAnswersWhenTheRunHasEnded(t *testing.T) {
	w := newWorld(t)
	// The run ends as soon as its thread is in our hands.
	go func() {
		for w.Context().Err() == nil {
			if run := w.held(); run != "" {
				w.completes(run)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	run := want[reeve.Run](w, 201, "POST", "/v1/runs?wait=50s", wire.StartRun{Agent: "echo"})
	if run.Status != reeve.StatusCompleted || string(run.Input) != "null" {
		t.Errorf("start with wait: %+v", run)
	}

	second := w.starts()
	if got := want[reeve.Run](w, 200, "GET", "/v1/runs/"+string(second.ID)+"?wait=10ms", nil); got.Status != reeve.StatusRunning {
		t.Errorf("after the wait: %+v", got)
	}
	done := make(chan reeve.Run)
	go func() { done <- want[reeve.Run](w, 200, "GET", "/v1/runs/"+string(second.ID)+"?wait=50s", nil) }()
	w.completes(second.ID)
	if got := <-done; got.Status != reeve.StatusCompleted {
		t.Errorf("show with wait: %+v", got)
	}
	for _, wait := range []string{"61s", "-1s", "soon", "5"} {
		want[wire.Problem](w, 400, "GET", "/v1/runs/"+string(second.ID)+"?wait="+wait, nil)
	}
}

// held is a run in the test's hands.
func (w *world) held() reeve.RunID {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	for run := range w.desk.owners {
		return run
	}
	return ""
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	body := `{"agent":"echo","input":{"text":"hi"}}`
	first := want[reeve.Run](w, 201, "POST", "/v1/runs", body, "Idempotency-Key", "k 1")
	res, text := w.ask("POST", "/v1/runs", ` {"agent":"echo", "input": {"text": "hi"} }`, "Idempotency-Key", "k 1")
	var again reeve.Run
	if err := json.Unmarshal(text, &again); err != nil || again.ID != first.ID || res.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same again: %v %s", res.Status, text)
	}
	p := want[wire.Problem](w, 422, "POST", "/v1/runs", `{"agent":"echo","input":{"text":"ho"}}`, "Idempotency-Key", "k 1")
	if p.Code != reeve.CodeKeyReused {
		t.Errorf("another body: %+v", p)
	}
	if other := want[reeve.Run](w, 201, "POST", "/v1/runs", body, "Idempotency-Key", "k 2"); other.Thread == first.Thread {
		t.Error("another key came to the same thread")
	}
	want[wire.Problem](w, 413, "POST", "/v1/runs", body, "Idempotency-Key", strings.Repeat("k", 256))
	want[wire.Problem](w, 400, "POST", "/v1/runs", body, "Idempotency-Key", "ä")

	path := "/v1/threads/" + string(first.Thread) + "/runs"
	second := want[reeve.Run](w, 201, "POST", path, body, "Idempotency-Key", "on the thread")
	if again := want[reeve.Run](w, 201, "POST", path, body, "Idempotency-Key", "on the thread"); again.ID != second.ID {
		t.Errorf("got %s, want %s again", again.ID, second.ID)
	}
}

func TestBusyThread(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	path := "/v1/threads/" + string(run.Thread) + "/runs"
	if p := want[wire.Problem](w, 409, "POST", path, `{"agent":"echo","on_busy":"reject"}`); p.Code != reeve.CodeBusy {
		t.Errorf("reject: %+v", p)
	}
	if next := want[reeve.Run](w, 201, "POST", path, `{"agent":"echo"}`); next.Status != reeve.StatusQueued {
		t.Errorf("enqueue: %+v", next)
	}
	want[wire.Problem](w, 400, "POST", path, `{"agent":"echo","on_busy":"push"}`)
	want[wire.Problem](w, 409, "DELETE", "/v1/threads/"+string(run.Thread), nil)
}

func TestSteering(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	base := "/v1/runs/" + string(run.ID)
	w.does(run.ID, journal.Draft{Kind: reeve.KindAskOpened, Path: "ask", Data: json.RawMessage(`{"text":"really?"}`)})
	if got := want[wire.Answered](w, 200, "POST", base+"/answer", `{"ask":"ask","value":true}`); got.Seq != 5 {
		t.Errorf("answer: %+v", got)
	}
	want[wire.Problem](w, 409, "POST", base+"/answer", `{"ask":"ask","value":false}`)
	want[wire.Problem](w, 400, "POST", base+"/answer", `{"ask":"ask"}`)
	want[wire.Problem](w, 409, "POST", base+"/retry", nil)
	if got := want[reeve.Run](w, 202, "POST", base+"/cancel", nil); got.ID != run.ID {
		t.Errorf("cancel: %+v", got)
	}
	if got := want[wire.Why](w, 200, "GET", base+"/why", nil); got.Run != run.ID {
		t.Errorf("why: %+v", got)
	}
	w.fails(run.ID)
	if got := want[reeve.Run](w, 202, "POST", base+"/retry", `{}`); got.Status != reeve.StatusQueued {
		t.Errorf("retry: %+v", got)
	}
}

func TestAgents(t *testing.T) {
	w := newWorld(t)
	if got := want[wire.Agent](w, 200, "POST", "/v1/agents/echo/pause", nil); !got.Paused {
		t.Errorf("pause: %+v", got)
	}
	if got := want[wire.Agents](w, 200, "GET", "/v1/agents", nil); !got.Agents[0].Paused {
		t.Errorf("list: %+v", got)
	}
	if got := want[wire.Agent](w, 200, "POST", "/v1/agents/echo/resume", nil); got.Paused {
		t.Errorf("resume: %+v", got)
	}
	want[wire.Problem](w, 404, "POST", "/v1/agents/other/pause", nil)
}

func TestListsArePaged(t *testing.T) {
	w := newWorld(t)
	var made []reeve.RunID
	for range 5 {
		made = append([]reeve.RunID{w.starts().ID}, made...)
	}
	var seen []reeve.RunID
	for cursor := ""; ; {
		page := want[wire.Runs](w, 200, "GET", "/v1/runs?limit=2&cursor="+cursor, nil)
		for _, r := range page.Runs {
			seen = append(seen, r.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(made, seen); diff != "" {
		t.Error(diff)
	}
	run := made[0]
	w.does(run, step("a"), step("b"), step("c"))
	var told []reeve.Entry
	for next := ""; ; {
		page := want[wire.Entries](w, 200, "GET", fmt.Sprintf("/v1/runs/%s/entries?limit=2&after=%s", run, next), nil)
		told = append(told, page.Entries...)
		if next = page.Next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(w.log(target{run.Thread(), run}, 0), told); diff != "" {
		t.Error(diff)
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "status=odd", "cursor=a/b", "created_before=yesterday"} {
		want[wire.Problem](w, 400, "GET", "/v1/runs?"+query, nil)
	}
	if page := want[wire.Runs](w, 200, "GET", "/v1/runs?created_before=2001-01-01T00:00:00Z", nil); len(page.Runs) != 0 || page.Runs == nil {
		t.Errorf("runs before the first: %+v", page)
	}
}

func TestStatusRoutes(t *testing.T) {
	w := newWorld(t)
	if h := want[wire.Health](w, 200, "GET", "/health", nil); h.Status != "healthy" || !h.Checks["store"].OK {
		t.Errorf("health: %+v", h)
	}
	want[wire.Health](w, 200, "GET", "/livez", nil)
	want[wire.Health](w, 200, "GET", "/readyz", nil)
	w.desk.mu.Lock()
	w.desk.ill = reeve.Errorf(reeve.CodeUnavailable, "the disk is full")
	w.desk.mu.Unlock()
	if h := want[wire.Health](w, 503, "GET", "/health", nil); h.Checks["store"].Reason != "the disk is full" {
		t.Errorf("unhealthy: %+v", h)
	}
	want[wire.Health](w, 200, "GET", "/livez", nil)
	if h := want[wire.Health](w, 503, "GET", "/readyz", nil); h.Checks["ready"].Reason != "the disk is full" {
		t.Errorf("not ready: %+v", h)
	}
}

func TestPageAndDescription(t *testing.T) {
	w := newWorld(t)
	res, page := w.ask("GET", "/", nil)
	for _, part := range []string{"<td>echo</td>", `href="health"`, `href="metrics"`, `href="openapi.json"`} {
		if !strings.Contains(string(page), part) {
			t.Errorf("page lacks %s: %s", part, page)
		}
	}
	if res.Header.Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(string(page), "ZgotmplZ") {
		t.Errorf("page: %v %s", res.Header, page)
	}
	if !strings.Contains(string(page), "<style>"+pageStyle+"</style>") || !strings.Contains(res.Header.Get("Content-Security-Policy"), styleHash()) {
		t.Error("the policy does not let the style sheet through")
	}
	api := want[struct {
		OpenAPI    string                    `json:"openapi"`
		Paths      map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}](w, 200, "GET", "/openapi.json", nil)
	if !strings.HasPrefix(api.OpenAPI, "3.1") || api.Components.Schemas["Run"] == nil {
		t.Errorf("description: %+v", api)
	}
	for _, rt := range w.gate.table() {
		if api.Paths[rt.path][strings.ToLower(rt.method)] == nil {
			t.Errorf("%s %s is not described", rt.method, rt.path)
		}
	}
}
