package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/wire"
)

func TestNewRefusesWhatIsNoServer(t *testing.T) {
	for _, server := range []string{"", "localhost:8000", "ftp://x", "http://", "http://u:p@h", "http://h?x=1", "http://h#x", "::"} {
		if _, err := client.New(server); reeve.CodeOf(err) != reeve.CodeInvalid {
			t.Errorf("%q: %v", server, err)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

func TestRunIsStartedFollowedAndShown(t *testing.T) {
	w := newWorld(t)
	run := w.starts(walkOf(3))
	var kinds []reeve.Kind
	for e, err := range w.client.Follow(t.Context(), client.From{Run: run.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Kind)
	}
	want := []reeve.Kind{"message.added", "run.queued", "run.started", "step.completed", "step.completed", "step.completed", "message.added", "run.completed"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	run, err := w.client.Run(t.Context(), run.ID)
	if err != nil || run.Status != reeve.StatusCompleted || string(run.Result) != "3" {
		t.Errorf("the run: %+v, %v", run, err)
	}
	page, err := w.client.Entries(t.Context(), client.From{Run: run.ID, After: 6, Limit: 1})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Seq != 7 || page.Next == "" {
		t.Errorf("entries: %+v, %v", page, err)
	}
}

func TestStartWaits(t *testing.T) {
	w := newWorld(t)
	s := walkOf(1)
	s.Wait = 50 * time.Second
	if run := w.starts(s); run.Status != reeve.StatusCompleted {
		t.Errorf("the run: %+v", run)
	}
	run := w.starts(walkOf(2))
	if run, err := w.client.Await(t.Context(), run.ID, 50*time.Second); err != nil || run.Status != reeve.StatusCompleted {
		t.Errorf("await: %+v, %v", run, err)
	}
}

func TestStartWithAKeyIsSafeToSendAgain(t *testing.T) {
	w := newWorld(t)
	s := walkOf(1)
	s.Key = "k"
	first, again := w.starts(s), w.starts(s)
	if first.ID != again.ID {
		t.Errorf("%s and %s", first.ID, again.ID)
	}
	other := walkOf(2)
	other.Key = "k"
	if _, err := w.client.Start(t.Context(), other); reeve.CodeOf(err) != reeve.CodeKeyReused {
		t.Errorf("another request: %v", err)
	}
}

func TestSteering(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	run := w.starts(client.Start{Agent: "ask"})
	for e, err := range w.client.Follow(ctx, client.From{Run: run.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == reeve.KindAskOpened {
			if _, err := w.client.Answer(ctx, run.ID, e.Path, []byte(`"Ada"`)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.client.Answer(ctx, run.ID, e.Path, []byte(`"Bea"`)); reeve.CodeOf(err) != reeve.CodeConflict {
				t.Errorf("second answer: %v", err)
			}
		}
	}
	if run, err := w.client.Run(ctx, run.ID); err != nil || string(run.Result) != `"Ada"` {
		t.Errorf("answered: %+v, %v", run, err)
	}

	run = w.starts(client.Start{Agent: "stay", Thread: run.Thread})
	if why, err := w.client.Why(ctx, run.ID); err != nil || why.Run != run.ID || why.Summary == "" {
		t.Errorf("why: %+v, %v", why, err)
	}
	if _, err := w.client.Start(ctx, client.Start{Agent: "walk", Thread: run.Thread, OnBusy: reeve.Reject}); reeve.CodeOf(err) != reeve.CodeBusy {
		t.Errorf("busy: %v", err)
	}
	if _, err := w.client.Cancel(ctx, run.ID, "enough"); err != nil {
		t.Fatal(err)
	}
	if run, err := w.client.Await(ctx, run.ID, 50*time.Second); err != nil || run.Status != reeve.StatusCancelled {
		t.Errorf("cancelled: %+v, %v", run, err)
	}

	fallen := w.starts(client.Start{Agent: "fall", Wait: 50 * time.Second})
	if fallen.Status != reeve.StatusFailed {
		t.Fatalf("fallen: %+v", fallen)
	}
	if _, err := w.client.Retry(ctx, fallen.ID); err != nil {
		t.Error(err)
	}
}

func TestThreadsAndAgents(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	made, err := w.client.CreateThread(ctx, "a title", []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := w.client.Thread(ctx, made.ID)
	if diff := cmp.Diff(made, shown); diff != "" || err != nil || shown.Title != "a title" {
		t.Errorf("%v: %s", err, diff)
	}
	run := w.starts(client.Start{Agent: "walk", Input: []byte(`{"steps":0}`), Thread: made.ID, Wait: 50 * time.Second})
	runs, err := w.client.Runs(ctx, client.RunQuery{Thread: made.ID, Status: reeve.StatusCompleted, Agent: "walk", CreatedBefore: time.Now().Add(time.Hour)})
	if err != nil || len(runs.Runs) != 1 || runs.Runs[0].ID != run.ID {
		t.Errorf("runs: %+v, %v", runs, err)
	}
	threads, err := w.client.Threads(ctx, 1, "")
	if err != nil || len(threads.Threads) != 1 {
		t.Errorf("threads: %+v, %v", threads, err)
	}
	if err := w.client.DeleteThread(ctx, made.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.client.Thread(ctx, made.ID); reeve.CodeOf(err) != reeve.CodeNotFound {
		t.Errorf("deleted: %v", err)
	}
	agents, err := w.client.Agents(ctx)
	if err != nil || len(agents) != 4 {
		t.Errorf("agents: %+v, %v", agents, err)
	}
	if a, err := w.client.Pause(ctx, "walk"); err != nil || !a.Paused {
		t.Errorf("pause: %+v, %v", a, err)
	}
	if a, err := w.client.Resume(ctx, "walk"); err != nil || a.Paused {
		t.Errorf("resume: %+v, %v", a, err)
	}
	if h, err := w.client.Health(ctx); err != nil || h.Status != "healthy" {
		t.Errorf("health: %+v, %v", h, err)
	}
}

// TestFollowComesBack breaks the stream after every few bytes: what is yielded stays whole.
func TestFollowComesBack(t *testing.T) {
	w := newWorld(t)
	run := w.starts(walkOf(20))
	for _, after := range []int{400, 700, 1500} {
		w.breaks.set(after, false)
		last := int64(0)
		for e, err := range w.client.Follow(t.Context(), client.From{Run: run.ID}) {
			if err != nil || e.First != last+1 {
				t.Fatalf("after %d: %+v, %v", last, e, err)
			}
			last = e.Seq
		}
		if last != 25 {
			t.Errorf("the stream ended at %d", last)
		}
	}
	if w.breaks.count < 5 {
		t.Errorf("only %d streams were broken", w.breaks.count)
	}
}

func TestFollowGivesUp(t *testing.T) {
	w := newWorld(t, client.WithPatience(300*time.Millisecond))
	run := w.starts(walkOf(1))
	last := func(from client.From) error {
		var last error
		for _, err := range w.client.Follow(t.Context(), from) {
			last = err
		}
		return last
	}
	if err := last(client.From{Run: "none.1"}); reeve.CodeOf(err) != reeve.CodeNotFound {
		t.Errorf("no such run: %v", err)
	}
	err := last(client.From{Thread: run.Thread, After: 99})
	reset, ok := errors.AsType[*wire.ResetError](err)
	if !ok || reset.Reason != wire.ResetBeyond || reset.First != 1 || reeve.CodeOf(err) != reeve.CodeGone {
		t.Errorf("beyond the end: %v", err)
	}
	if _, err := w.client.Entries(t.Context(), client.From{Thread: run.Thread, Epoch: 3}); reeve.CodeOf(err) != reeve.CodeGone {
		t.Errorf("entries of another epoch: %v", err)
	}
	w.breaks.set(0, true)
	if err := last(client.From{Run: run.ID}); reeve.CodeOf(err) != reeve.CodeUnavailable {
		t.Errorf("a server that is down: %v", err)
	}
	if _, err := w.client.Run(t.Context(), run.ID); reeve.CodeOf(err) != reeve.CodeUnavailable {
		t.Errorf("a server that is down: %v", err)
	}
	w.breaks.set(0, false)
	ctx, cancel := context.WithCancel(t.Context())
	for e, err := range w.client.Follow(ctx, client.From{Thread: run.Thread}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			break
		}
		if e.Seq == 2 {
			cancel()
		}
	}
	cancel()
}

func TestAnswersOfAnotherProgram(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := client.New(other.URL, client.WithHTTPClient(&http.Client{Transport: transport}), client.WithToken("t"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Run(t.Context(), "a.1")
	if reeve.CodeOf(err) != reeve.CodeInternal || !strings.Contains(err.Error(), "not reeve's") {
		t.Errorf("got %v", err)
	}
	for _, err := range c.Follow(t.Context(), client.From{Run: "a.1"}) {
		if reeve.CodeOf(err) != reeve.CodeInternal {
			t.Errorf("got %v", err)
		}
	}
}
