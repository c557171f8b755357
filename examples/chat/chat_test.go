package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite" // for the test with a session open

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agenttest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask runs the agent against a server with this script. Sockets need the clock of the machine.
func ask(t *testing.T, f *fake, opts ...agenttest.Option) *agenttest.Result[Said] {
	t.Helper()
	return agenttest.Run(t, f.model(t).chat(), Said{"and now?"}, append(opts, agenttest.RealTime())...)
}

func TestTheAnswerStreams(t *testing.T) {
	f := serve(t, answering("Hel", "lo, ", "wörld"))
	res := ask(t, f)
	if res.Err != nil || res.Output.Text != "Hello, wörld" || res.Text("answer") != "Hello, wörld" {
		t.Fatalf("%v: %q, streamed %q\n%s", res.Err, res.Output.Text, res.Text("answer"), res.Log())
	}
	want := []question{{Model: "tiny", Stream: true, Messages: []message{{"user", "and now?"}}, authorization: "Bearer secret"}}
	if diff := cmp.Diff(want, f.questions(), cmp.AllowUnexported(question{})); diff != "" {
		t.Fatal(diff)
	}
}

func TestTheThreadIsRemembered(t *testing.T) {
	f := serve(t, answering("third"))
	res := ask(t, f, agenttest.Earlier(Said{"one"}, Said{"first"}), agenttest.Earlier([]int{1}, 2), agenttest.Earlier(Said{"two"}, Said{"second"}))
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	want := []message{{"user", "one"}, {"assistant", "first"}, {"user", "two"}, {"assistant", "second"}, {"user", "and now?"}}
	if diff := cmp.Diff(want, f.questions()[0].Messages); diff != "" {
		t.Fatal(diff)
	}
}

func TestALongThreadIsCutAtItsBeginning(t *testing.T) {
	f := serve(t, answering("ok"))
	var opts []agenttest.Option
	for i := range memory {
		opts = append(opts, agenttest.Earlier(Said{fmt.Sprint("q", i)}, Said{fmt.Sprint("a", i)}))
	}
	if res := ask(t, f, opts...); res.Err != nil {
		t.Fatal(res.Err)
	}
	got := f.questions()[0].Messages
	if len(got) != memory || got[len(got)-1].Content != "and now?" || got[len(got)-2].Content != fmt.Sprint("a", memory-1) {
		t.Fatalf("%d messages, the last %v", len(got), got[len(got)-2:])
	}
}

// TestTroublePasses has a server that fails once, in one way after the other, and then answers.
func TestTroublePasses(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*reply){
		"the stream is cut":           func(r *reply) { r.say("Hel"); r.cut() },
		"the stream ends too early":   func(r *reply) { r.say("Hel") },
		"the stream is cut in a line": func(r *reply) { r.raw(`data: {"choices":[{"del`); r.cut() },
		"cut before anything":         func(r *reply) { r.cut() },
		"a chunk is not JSON":         func(r *reply) { r.say("Hel"); r.raw("data: {nonsense\n\n"); r.done() },
		"an error in the stream":      func(r *reply) { r.say("Hel"); r.raw(`data: {"error":{"message":"overloaded"}}` + "\n\n") },
		"silence in the middle":       func(r *reply) { r.say("Hel"); r.hang() },
		"silence from the beginning":  func(r *reply) { r.hang() },
		"429": func(r *reply) {
			r.w.Header().Set("Retry-After", "0")
			r.refuse(429, `{"error":{"message":"slow down"}}`)
		},
		"500": func(r *reply) { r.refuse(500, "<html>oops</html>") },
		"503 with a date in the past": func(r *reply) {
			r.w.Header().Set("Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			r.refuse(503, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, trouble, answering("Hello"))
			m := f.model(t)
			m.silence = 300 * time.Millisecond
			res := agenttest.Run(t, m.chat(), Said{"hi"}, agenttest.RealTime())
			if res.Err != nil || res.Output.Text != "Hello" {
				t.Fatalf("%v: %q\n%s", res.Err, res.Output.Text, res.Log())
			}
			if got := res.Text("answer"); got != "Hello" {
				t.Errorf("streamed %q: the broken try's text must be dropped", got)
			}
			if n := len(f.questions()); n != 2 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestRefusalsAreFinal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script func(*reply)
		says   string
	}{
		"401":                   {func(r *reply) { r.refuse(401, `{"error":{"message":"no such key"}}`) }, "no such key"},
		"404 of a proxy":        {func(r *reply) { r.refuse(404, "nothing here") }, "nothing here"},
		"400 without words":     {func(r *reply) { r.refuse(400, "") }, "no reason given"},
		"the answer withheld":   {func(r *reply) { r.raw(`data: {"choices":[{"finish_reason":"content_filter"}]}` + "\n\n") }, "content_filter"},
		"an answer without end": {func(r *reply) { half := strings.Repeat("x", maxAnswer/2); r.say(half, half, "y") }, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, c.script)
			res := ask(t, f)
			if res.Status != reeve.StatusFailed || !strings.Contains(res.Err.Error(), c.says) {
				t.Fatalf("%s: %v", res.Status, res.Err)
			}
			if n := len(f.questions()); n != 1 {
				t.Fatalf("asked %d times", n)
			}
		})
	}
}

func TestTriesAreBounded(t *testing.T) {
	f := serve(t, func(r *reply) { r.refuse(502, "down") })
	res := ask(t, f)
	if res.Status != reeve.StatusFailed || !strings.Contains(res.Err.Error(), "502") {
		t.Fatalf("%s: %v", res.Status, res.Err)
	}
	if n := len(f.questions()); n != 5 {
		t.Fatalf("asked %d times", n)
	}
}

// TestSlowChunks: a server that takes longer for the whole than silence may last is not silent.
func TestSlowChunks(t *testing.T) {
	f := serve(t, func(r *reply) {
		for range 8 {
			time.Sleep(100 * time.Millisecond)
			r.raw(": still thinking\n\n")
		}
		r.say("at last")
		r.done()
	})
	m := f.model(t)
	m.silence = 600 * time.Millisecond
	res := agenttest.Run(t, m.chat(), Said{"hi"}, agenttest.RealTime())
	if res.Err != nil || res.Output.Text != "at last" || len(f.questions()) != 1 {
		t.Fatalf("%v: %q after %d questions", res.Err, res.Output.Text, len(f.questions()))
	}
}

func TestCancelHangsUp(t *testing.T) {
	hungUp := make(chan struct{})
	f := serve(t, func(r *reply) { r.say("Hel"); r.hang(); close(hungUp) })
	res := ask(t, f, agenttest.CancelAfter(4)) // the first text
	if res.Status != reeve.StatusCancelled || !errors.Is(res.Err, agent.ErrCancelled) {
		t.Fatalf("%s: %v\n%s", res.Status, res.Err, res.Log())
	}
	select {
	case <-hungUp:
	case <-time.After(time.Minute):
		t.Fatal("the server still has the connection")
	}
}

func TestChatSurvivesEveryCrash(t *testing.T) {
	f := serve(t, answering("Hel", "lo"))
	agenttest.EveryCrash(t, f.model(t).chat(), Said{"hi"}, agenttest.RealTime())
}

func TestNoModelIsCalledWithASessionOpen(t *testing.T) {
	f := serve(t, answering("no"))
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = sessionsql.Do(t.Context(), db, func(ctx context.Context, _ *sessionsql.Tx) error {
		_, err := f.model(t).answer(ctx, nil)
		return err
	})
	illegal, ok := errors.AsType[*session.IllegalStateError](err)
	if !ok || illegal.Op != "model tiny" || !strings.Contains(illegal.Opened.File, "chat_test.go") {
		t.Fatalf("%v", err)
	}
	if n := len(f.questions()); n != 0 {
		t.Fatalf("asked %d times", n)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for base, says := range map[string]string{
		"":                "OPENAI_BASE_URL",
		"localhost:11434": "OPENAI_BASE_URL",
		"ftp://x/v1":      "OPENAI_BASE_URL",
		"http:///v1":      "OPENAI_BASE_URL",
		"http://x/v1":     "OPENAI_MODEL",
	} {
		if _, err := newModel(base, "", ""); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"99999999999999999999":          0,
		"Thu, 29 Feb 2024 12:01:00 GMT": time.Minute,
		"Thu, 29 Feb 2024 11:01:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q is %s, want %s", value, got, want)
		}
	}
}
