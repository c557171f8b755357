package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// peer is a client on a WebSocket that shares no code with the server's library.
type peer struct {
	w *world
	c *websocket.Conn
}

// message is any frame from the server.
type message struct {
	Type    string           `json:"type"`
	ID      any              `json:"id"`
	Sub     any              `json:"sub"`
	Run     reeve.RunID      `json:"run"`
	Thread  reeve.ThreadID   `json:"thread"`
	Seq     int64            `json:"seq"`
	Entry   reeve.Entry      `json:"entry"`
	Problem wire.Problem     `json:"problem"`
	Reason  wire.ResetReason `json:"reason"`
	First   int64            `json:"first"`
	Epoch   int64            `json:"epoch"`
	Path    string           `json:"path"`
	NodeMS  int64            `json:"node_ms"`
	Limits  *wire.Limits     `json:"limits"`
	Version string           `json:"version"`
}

// dial opens a socket and reads the hello.
func (w *world) dial(headers ...string) *peer {
	w.Helper()
	p, res, err := w.tryDial(headers...)
	if err != nil {
		w.Fatalf("dial: %v (%v)", err, res)
	}
	if hello := p.read(); hello.Type != "hello" || hello.Limits == nil || hello.Limits.FrameBytes == 0 {
		w.Fatalf("hello: %+v", hello)
	}
	return p
}

func (w *world) tryDial(headers ...string) (*peer, *http.Response, error) {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	ctx, cancel := context.WithTimeout(w.Context(), hang)
	defer cancel()
	c, res, err := websocket.Dial(ctx, w.server.URL+"/v1/ws", &websocket.DialOptions{HTTPHeader: h, HTTPClient: w.http})
	if err != nil {
		return nil, res, err
	}
	c.SetReadLimit(64 << 20)
	w.Cleanup(func() { _ = c.CloseNow() })
	return &peer{w: w, c: c}, res, nil
}

func (p *peer) send(frame string) {
	p.w.Helper()
	ctx, cancel := context.WithTimeout(p.w.Context(), hang)
	defer cancel()
	if err := p.c.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		p.w.Fatal(err)
	}
}

func (p *peer) tryRead() (message, error) {
	ctx, cancel := context.WithTimeout(p.w.Context(), hang)
	defer cancel()
	_, data, err := p.c.Read(ctx)
	if err != nil {
		return message{}, err
	}
	var m message
	return m, json.Unmarshal(data, &m)
}

func (p *peer) read() message {
	p.w.Helper()
	m, err := p.tryRead()
	if err != nil {
		p.w.Fatalf("read: %v", err)
	}
	return m
}

// until reads to the first frame of the type and gives it; beats are passed over.
func (p *peer) until(kind string) message {
	p.w.Helper()
	for {
		if m := p.read(); m.Type == kind {
			return m
		} else if m.Type == "error" {
			p.w.Fatalf("waiting for %s: %+v", kind, m)
		}
	}
}

// closed reads to the end and gives the code.
func (p *peer) closed() websocket.StatusCode {
	p.w.Helper()
	for {
		if _, err := p.tryRead(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestSocketStartsAndFollows(t *testing.T) {
	w := newWorld(t)
	p := w.dial()
	p.send(`{"type":"start","id":"s","agent":"echo","input":{"text":"hi"}}`)
	accepted := p.read()
	if accepted.Type != "accepted" || accepted.ID != "s" || accepted.Seq != 0 || accepted.Run.Thread() != accepted.Thread {
		t.Fatalf("accepted: %+v", accepted)
	}
	run := accepted.Run
	w.does(run, step("a"), step("b"))
	w.completes(run)
	var told []reeve.Entry
	for len(told) < 7 {
		m := p.until("entry")
		if m.Sub != "s" {
			t.Errorf("sub is %v", m.Sub)
		}
		told = append(told, m.Entry)
	}
	if diff := cmp.Diff(w.log(target{run.Thread(), run}, 0), told); diff != "" {
		t.Error(diff)
	}
	p.send(`{"type":"ping","id":7}`)
	if m := p.read(); m.Type != "pong" || m.ID != 7.0 {
		t.Errorf("after the end: %+v", m)
	}
}

func TestSocketIsDroppedAtEveryEntryAndComesBack(t *testing.T) {
	w := newWorld(t)
	first := w.starts()
	run := w.onThread(first.Thread)
	w.does(first.ID, step("x"), step("y"))
	w.completes(first.ID)
	w.claims(run)
	w.does(run, step("a"), step("b"), step("c"))
	w.completes(run)
	for _, on := range []target{{thread: first.Thread}, {thread: first.Thread, run: run}} {
		log := w.log(on, 0)
		var told []reeve.Entry
		for after, epoch := int64(0), int64(0); len(told) < len(log); {
			p := w.dial()
			frame := wire.Follow{Type: "follow", ID: wire.TextID("f"), After: after}
			if frame.Run = string(on.run); on.run == "" {
				frame.Thread = string(on.thread)
			}
			if epoch != 0 {
				frame.Epoch = &epoch
			}
			p.send(string(wire.Encode(frame)))
			m := p.until("entry")
			told = append(told, m.Entry)
			after, epoch = m.Entry.Seq, m.Entry.Epoch
			_ = p.c.CloseNow()
		}
		if diff := cmp.Diff(log, told); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSocketSaysWhenThePastIsTold(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	w.does(run.ID, step("a"))
	p := w.dial()
	p.send(`{"type":"follow","id":"t","thread":"` + string(run.Thread) + `"}`)
	if m := p.read(); m.Type != "ok" || m.ID != "t" {
		t.Fatalf("follow: %+v", m)
	}
	for seq := int64(1); seq <= 4; seq++ {
		if m := p.read(); m.Type != "entry" || m.Entry.Seq != seq {
			t.Fatalf("past: %+v", m)
		}
	}
	if m := p.read(); m.Type != "live" || m.Sub != "t" || m.Seq != 4 {
		t.Fatalf("live: %+v", m)
	}
	w.does(run.ID, step("b"))
	if m := p.until("entry"); m.Entry.Seq != 5 {
		t.Fatalf("live entry: %+v", m)
	}
	p.send(`{"type":"unfollow","id":"t"}`)
	p.until("ok")
	w.does(run.ID, step("c"))
	p.send(`{"type":"unfollow","id":"t"}`)
	if m := p.read(); m.Type != "error" || m.Problem.Code != reeve.CodeNotFound {
		t.Errorf("after unfollow: %+v", m)
	}
	p.send(`{"type":"follow","id":"t","run":"` + string(run.ID) + `","after":99}`)
	if m := p.read(); m.Type != "reset" || m.Sub != "t" || m.Reason != wire.ResetBeyond || m.First != 1 || m.Epoch == 0 {
		t.Errorf("reset: %+v", m)
	}
}

func TestSocketSteersRuns(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	w.does(run.ID, journal.Draft{Kind: reeve.KindAskOpened, Path: "ask", Data: json.RawMessage(`{"text":"?"}`)})
	p := w.dial()
	p.send(`{"type":"answer","id":1,"run":"` + string(run.ID) + `","ask":"ask","value":null}`)
	if m := p.read(); m.Type != "ok" || m.ID != 1.0 {
		t.Fatalf("answer: %+v", m)
	}
	p.send(`{"type":"answer","id":2,"run":"` + string(run.ID) + `","ask":"ask","value":1}`)
	if m := p.read(); m.Type != "error" || m.ID != 2.0 || m.Problem.Code != reeve.CodeConflict || m.Problem.Status != 409 {
		t.Fatalf("answer twice: %+v", m)
	}
	p.send(`{"type":"cancel","id":"c","run":"` + string(run.ID) + `"}`)
	if m := p.read(); m.Type != "ok" || m.ID != "c" {
		t.Fatalf("cancel: %+v", m)
	}
	log := w.log(target{run.Thread, run.ID}, 0)
	if last := log[len(log)-1]; last.Kind != reeve.KindCancelRequested {
		t.Errorf("the log ends with %s", last.Kind)
	}
}

func TestSocketStartWithAKeyComesBackToTheFirstRun(t *testing.T) {
	w := newWorld(t)
	p := w.dial()
	p.send(`{"type":"start","id":"a","agent":"echo","input":1,"key":"k"}`)
	first := p.until("accepted")
	q := w.dial()
	q.send(`{"type":"start","id":"b","agent":"echo","input": 1,"key":"k"}`)
	again := q.until("accepted")
	if again.Run != first.Run || again.Seq != first.Seq {
		t.Errorf("got %+v, want %+v again", again, first)
	}
	if m := q.until("entry"); m.Entry.Seq != 1 || m.Sub != "b" {
		t.Errorf("the first entry: %+v", m)
	}
	run := want[reeve.Run](w, 201, "POST", "/v1/runs", `{"agent":"echo","input":1}`, "Idempotency-Key", "k")
	if run.ID != first.Run {
		t.Error("the key means another run over HTTP")
	}
}

func TestSocketBeats(t *testing.T) {
	w := newWorld(t)
	p := w.dial()
	w.desk.mu.Lock()
	w.desk.beats = []reeve.Beat{{Path: "crew", NodeMS: 12, AgentMS: 5, StreamMS: -1}}
	w.desk.mu.Unlock()
	p.send(`{"type":"start","id":"s","agent":"echo"}`)
	if m := p.until("beat"); m.Sub != "s" || m.Path != "crew" || m.NodeMS != 12 {
		t.Errorf("beat: %+v", m)
	}
	// Who follows the thread from behind the start hears them too.
	q := w.dial()
	q.send(`{"type":"follow","id":"t","thread":"` + string(w.held().Thread()) + `","after":3}`)
	if m := q.until("beat"); m.Sub != "t" || m.Path != "crew" {
		t.Errorf("beat of the thread: %+v", m)
	}
}

// TestBadFrames holds that a wrong frame is answered with its id, and that the socket lives on.
func TestBadFrames(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits = wire.Limits{FrameBytes: 2000, Subscriptions: 2} })
	run := w.starts()
	p := w.dial()
	for _, bad := range []struct {
		frame string
		id    any
		code  reeve.Code
		says  string
	}{
		{`{`, nil, reeve.CodeInvalid, "broken"},
		{`[]`, nil, reeve.CodeInvalid, "object"},
		{``, nil, reeve.CodeInvalid, "no JSON"},
		{`{"id":"a"}`, "a", reeve.CodeInvalid, "no type"},
		{`{"type":7,"id":"a"}`, "a", reeve.CodeInvalid, "no type"},
		{`{"type":"dance","id":"a"}`, "a", reeve.CodeInvalid, `unknown frame type "dance"`},
		{`{"type":"ping","id":{}}`, nil, reeve.CodeInvalid, "id must be"},
		{`{"type":"ping","id":"a","more":1}`, "a", reeve.CodeInvalid, `unknown field "more"`},
		{`{"type":"ping","id":"a","id":"a"}`, "a", reeve.CodeInvalid, "twice"},
		{`{"type":"start","id":"a","agent":7}`, "a", reeve.CodeInvalid, `field "agent": want a string`},
		{`{"type":"start","id":"a","agent":"e/o"}`, "a", reeve.CodeInvalid, "no / and no #"},
		{`{"type":"start","id":"a","agent":"other"}`, "a", reeve.CodeAgentUnknown, "no agent"},
		{`{"type":"start","id":"a","agent":"echo","thread":"none"}`, "a", reeve.CodeNotFound, "thread none"},
		{`{"type":"start","id":"a","agent":"echo","thread":"a#b"}`, "a", reeve.CodeInvalid, "thread id"},
		{`{"type":"start","agent":"echo"}`, nil, reeve.CodeInvalid, "id is missing"},
		{`{"type":"start","id":"a","agent":"echo","on_busy":"x"}`, "a", reeve.CodeInvalid, "on_busy"},
		{`{"type":"follow","id":"a"}`, "a", reeve.CodeInvalid, "a thread or a run"},
		{`{"type":"follow","id":"a","run":"none.1"}`, "a", reeve.CodeNotFound, "run none.1"},
		{`{"type":"follow","id":"a","run":"none"}`, "a", reeve.CodeInvalid, "THREAD.NUMBER"},
		{`{"type":"follow","id":"a","run":"` + string(run.ID) + `","after":-1}`, "a", reeve.CodeInvalid, "0 or more"},
		{`{"type":"follow","id":"a","run":"` + string(run.ID) + `","after":"1"}`, "a", reeve.CodeInvalid, "want an integer"},
		{`{"type":"follow","id":"a","run":"` + string(run.ID) + `","after":1.5}`, "a", reeve.CodeInvalid, "want an integer"},
		{`{"type":"cancel","id":"a","run":"x.0"}`, "a", reeve.CodeInvalid, "1 or more"},
		{`{"type":"answer","id":"a","run":"` + string(run.ID) + `"}`, "a", reeve.CodeInvalid, "ask is missing"},
		{`{"type":"unfollow","id":"a"}`, "a", reeve.CodeNotFound, "nothing is followed"},
		{`{"type":"ping","id":"a","x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, nil, reeve.CodeTooLarge, "levels"},
		{`{"type":"ping","id":"` + strings.Repeat("a", 201) + `"}`, nil, reeve.CodeInvalid, "at most 200"},
	} {
		p.send(bad.frame)
		m := p.read()
		if m.Type != "error" || m.ID != bad.id || m.Problem.Code != bad.code || !strings.Contains(m.Problem.Detail, bad.says) {
			t.Errorf("%s:\n got %+v\nwant id %v, %s with %q", bad.frame, m, bad.id, bad.code, bad.says)
		}
	}
	if err := p.c.Write(t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if m := p.read(); m.Type != "error" || m.Problem.Code != reeve.CodeInvalid {
		t.Errorf("binary: %+v", m)
	}
	for _, id := range []string{"1", "2"} {
		p.send(`{"type":"follow","id":"` + id + `","thread":"` + string(run.Thread) + `","after":3}`)
		p.until("live")
	}
	p.send(`{"type":"follow","id":"2","thread":"` + string(run.Thread) + `"}`)
	if m := p.read(); m.Problem.Code != reeve.CodeConflict {
		t.Errorf("id in use: %+v", m)
	}
	p.send(`{"type":"follow","id":"3","thread":"` + string(run.Thread) + `"}`)
	if m := p.read(); m.Problem.Code != reeve.CodeTooLarge {
		t.Errorf("too many follows: %+v", m)
	}
	p.send(`{"type":"ping"}`)
	p.until("pong")
}

func TestMessagesThatCloseTheSocket(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.FrameBytes = 1 << 20 })
	large := w.dial()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	// The server answers in the middle of it: the write may fail, the code must come.
	_ = large.c.Write(ctx, websocket.MessageText, bytes.Repeat([]byte("x"), 8<<20))
	if code := large.closed(); code != 1009 {
		t.Errorf("oversized: closed with %d", code)
	}
	broken := w.dial()
	if err := broken.c.Write(ctx, websocket.MessageText, []byte("{\"type\":\"\xff\"}")); err != nil {
		t.Fatal(err)
	}
	if code := broken.closed(); code != 1007 {
		t.Errorf("broken UTF-8: closed with %d", code)
	}
	polite := w.dial()
	done := make(chan error, 1)
	go func() { done <- polite.c.Close(websocket.StatusNormalClosure, "bye") }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the close was not answered: %v", err)
		}
	case <-time.After(hang):
		t.Fatal("the close was not answered")
	}
}

func TestCloseSaysGoodbye(t *testing.T) {
	w := newWorld(t)
	p := w.dial()
	p.send(`{"type":"start","id":"s","agent":"echo"}`)
	p.until("accepted")
	f := w.feed("/v1/runs/" + string(w.held()) + "/events")
	defer f.close()
	waiting := make(chan int, 1)
	go func() {
		res, _ := w.ask("GET", "/v1/runs/"+string(w.held())+"?wait=60s", nil)
		waiting <- res.StatusCode
	}()
	for w.gate.waiters() < 2 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	if err := w.gate.Close(ctx); err != nil {
		t.Error(err)
	}
	if code := p.closed(); code != 1001 {
		t.Errorf("socket closed with %d", code)
	}
	for _, ok := f.next(); ok; _, ok = f.next() {
	}
	if status := <-waiting; status != 200 {
		t.Errorf("the waiting request got %d", status)
	}
	if _, res, err := w.tryDial(); err == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a socket after Close: %v", err)
	}
}

func (g *Gateway) waiters() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.streams
}

func TestSocketTakesManyStartsAtOnce(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.Starts, c.Limits.Subscriptions = 4, 200 })
	p := w.dial()
	const many = 100
	for i := range many {
		p.send(string(wire.Encode(wire.Start{Type: "start", ID: wire.TextID(strconv.Itoa(i)), Agent: "echo"})))
	}
	started := map[any]bool{}
	for len(started) < many {
		m := p.until("accepted")
		if started[m.ID] {
			t.Fatalf("%v was accepted twice", m.ID)
		}
		started[m.ID] = true
	}
	// Starts on one thread keep the order of their frames.
	thread := w.starts().Thread
	for i := range 20 {
		p.send(string(wire.Encode(wire.Start{Type: "start", ID: wire.TextID("o" + strconv.Itoa(i)), Agent: "echo", Thread: string(thread)})))
	}
	for i := range 20 {
		if m := p.until("accepted"); m.ID != "o"+strconv.Itoa(i) || m.Run != reeve.MakeRunID(thread, int64(i+2)) {
			t.Errorf("accepted: %+v, want the %dth", m, i)
		}
	}
}

func TestSocketFollowsARunThatHasEnded(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	w.completes(run.ID)
	p := w.dial()
	for _, after := range []string{"0", "5"} {
		p.send(`{"type":"follow","id":"f","run":"` + string(run.ID) + `","after":` + after + `}`)
		if m := p.until("live"); m.Seq != 5 {
			t.Errorf("live after %s: %+v", after, m)
		}
		p.send(`{"type":"ping"}`)
		p.until("pong")
	}
}
