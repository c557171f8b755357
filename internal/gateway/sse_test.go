package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// event is one server-sent event as a reader of the standard sees it.
type event struct{ name, id, data string }

// feed is an open stream of events.
type feed struct {
	w      *world
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (w *world) feed(path string, headers ...string) *feed {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), hang)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.http.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20)
	return &feed{w: w, res: res, lines: lines, cancel: cancel}
}

// next is the next event; false at the end of the stream.
func (f *feed) next() (e event, ok bool) {
	for f.lines.Scan() {
		name, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch {
		case f.lines.Text() == "" && e != event{}:
			return e, true
		case name == "event":
			e.name = value
		case name == "id":
			e.id = value
		case name == "data":
			e.data += value
		}
	}
	return e, false
}

// entry is the next event, which must be an entry.
func (f *feed) entry() (reeve.Entry, bool) {
	f.w.Helper()
	e, ok := f.next()
	if !ok {
		return reeve.Entry{}, false
	}
	var entry reeve.Entry
	if err := json.Unmarshal([]byte(e.data), &entry); err != nil || e.name != "" {
		f.w.Fatalf("not an entry: %+v (%v)", e, err)
	}
	if want := (reeve.Position{Epoch: entry.Epoch, Seq: entry.Seq}).String(); e.id != want {
		f.w.Errorf("id is %s, want %s", e.id, want)
	}
	return entry, true
}

func (f *feed) close() {
	f.cancel()
	_ = f.res.Body.Close()
}

func TestEventsFollowARunAndEndWithIt(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	path := "/v1/runs/" + string(run.ID) + "/events"
	f := w.feed(path)
	defer f.close()
	if kind := f.res.Header.Get("Content-Type"); f.res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("got %s, %s", f.res.Status, kind)
	}
	w.does(run.ID, step("a"), step("b"))
	w.completes(run.ID)
	var told []reeve.Entry
	for e, ok := f.entry(); ok; e, ok = f.entry() {
		told = append(told, e)
	}
	log := w.log(target{run.Thread, run.ID}, 0)
	if diff := cmp.Diff(log, told); diff != "" || len(log) != 7 {
		t.Fatal(diff)
	}
	last := reeve.Position{Epoch: log[6].Epoch, Seq: log[6].Seq}.String()
	if res, _ := w.ask("GET", path, nil, "Last-Event-ID", last); res.StatusCode != http.StatusNoContent {
		t.Errorf("following from the end: %s", res.Status)
	}
}

func TestEventsGoOnFromEveryEntry(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	w.does(run.ID, step("a"), step("b"), step("c"))
	w.completes(run.ID)
	for _, on := range []struct {
		target
		path string
	}{
		{target{run.Thread, run.ID}, "/v1/runs/" + string(run.ID) + "/events"},
		{target{run.Thread, ""}, "/v1/threads/" + string(run.Thread) + "/events"},
	} {
		log := w.log(on.target, 0)
		for i := range log[:len(log)-1] {
			f := w.feed(on.path, "Last-Event-ID", reeve.Position{Epoch: log[i].Epoch, Seq: log[i].Seq}.String())
			for _, want := range log[i+1:] {
				if e, ok := f.entry(); !ok || cmp.Diff(want, e) != "" {
					t.Fatalf("%s after %d: %s", on.path, i+1, cmp.Diff(want, e))
				}
			}
			f.close()
		}
	}
}

func TestPositionsThatCannotBeServed(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	w.completes(run.ID)
	thread, err := w.store.Thread(t.Context(), run.Thread)
	if err != nil {
		t.Fatal(err)
	}
	other := w.onThread(run.Thread)
	if n, err := w.store.Prune(t.Context(), thread.CreatedAt.AddDate(1, 0, 0), 100); n != 1 || err != nil {
		t.Fatalf("prune: %d, %v", n, err)
	}
	base := "/v1/threads/" + string(run.Thread)
	for query, reason := range map[string]wire.ResetReason{
		"after=0":         wire.ResetPruned,
		"after=99":        wire.ResetBeyond,
		"after=5&epoch=1": wire.ResetEpoch,
		"after=1:5":       wire.ResetEpoch,
	} {
		p := want[wire.Problem](w, 410, "GET", base+"/entries?"+query, nil)
		if p.Code != reeve.CodeGone || p.Reason != reason || p.First != 6 || p.Epoch != thread.Epoch {
			t.Errorf("entries %s: %+v", query, p)
		}
		f := w.feed(base + "/events?" + query)
		e, _ := f.next()
		var reset wire.ResetError
		if err := json.Unmarshal([]byte(e.data), &reset); err != nil || e.name != "reset" || reset.Reason != reason || reset.First != 6 {
			t.Errorf("events %s: %+v", query, e)
		}
		if again, ok := f.next(); ok {
			t.Errorf("events %s went on after the reset: %+v", query, again)
		}
		f.close()
		// A browser comes back by itself with the id of the reset.
		f = w.feed(base+"/events", "Last-Event-ID", e.id)
		if entry, ok := f.entry(); !ok || entry.Seq != 6 {
			t.Errorf("events after the reset: %+v", entry)
		}
		f.close()
	}
	// A run that is whole is served from its beginning, whatever was pruned before it.
	f := w.feed("/v1/runs/" + string(other) + "/events")
	defer f.close()
	if e, ok := f.entry(); !ok || e.First != 1 || e.Seq != 6 {
		t.Errorf("first entry of the second run: %+v", e)
	}
	for _, query := range []string{"after=-1", "after=x", "epoch=x", "after=1:x"} {
		want[wire.Problem](w, 400, "GET", base+"/events?"+query, nil)
	}
}

// onThread starts a run on a thread.
func (w *world) onThread(thread reeve.ThreadID) reeve.RunID {
	w.Helper()
	return want[reeve.Run](w, 201, "POST", "/v1/threads/"+string(thread)+"/runs", wire.StartRun{Agent: "echo"}).ID
}

func TestEventsOfARunThatWaitsItsTurn(t *testing.T) {
	w := newWorld(t)
	first := w.starts()
	second := w.onThread(first.Thread)
	f := w.feed("/v1/runs/" + string(second) + "/events")
	defer f.close()
	w.does(first.ID, step("a"), step("b"))
	w.completes(first.ID)
	w.claims(second)
	w.does(second, step("c"))
	w.completes(second)
	var told []reeve.Entry
	for e, ok := f.entry(); ok; e, ok = f.entry() {
		told = append(told, e)
	}
	if diff := cmp.Diff(w.log(target{first.Thread, second}, 0), told); diff != "" || len(told) != 6 {
		t.Errorf("%d entries: %s", len(told), diff)
	}
}

func TestEventsOfARetriedRun(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	path := "/v1/runs/" + string(run.ID) + "/events"
	w.fails(run.ID)
	f := w.feed(path)
	failed := 0
	for e, ok := f.entry(); ok; e, ok = f.entry() {
		failed = int(e.Seq)
	}
	f.close()
	want[reeve.Run](w, 202, "POST", "/v1/runs/"+string(run.ID)+"/retry", nil)
	w.claims(run.ID)
	w.completes(run.ID)
	f = w.feed(path)
	defer f.close()
	var kinds []reeve.Kind
	for e, ok := f.entry(); ok; e, ok = f.entry() {
		kinds = append(kinds, e.Kind)
	}
	if len(kinds) <= failed || kinds[failed-1] != reeve.KindRunFailed || kinds[len(kinds)-1] != reeve.KindRunCompleted {
		t.Errorf("the stream of the retried run: %v", kinds)
	}
}

func TestDeletedThreadEndsItsStreams(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	w.completes(run.ID)
	f := w.feed("/v1/threads/" + string(run.Thread) + "/events?after=5")
	defer f.close()
	want[struct{}](w, 204, "DELETE", "/v1/threads/"+string(run.Thread), nil)
	e, ok := f.next()
	if !ok || e.name != "problem" || !strings.Contains(e.data, `"not_found"`) {
		t.Errorf("got %+v", e)
	}
	if _, ok := f.next(); ok {
		t.Error("the stream went on")
	}
}

func TestLostHintsCostATickAndNothingElse(t *testing.T) {
	w := newWorld(t)
	run := w.starts()
	f := w.feed("/v1/runs/" + string(run.ID) + "/events")
	defer f.close()
	for range 3 {
		f.entry()
	}
	w.hints.lose(func([]reeve.Entry) (bool, []reeve.Entry) { return false, nil })
	w.does(run.ID, step("a"))
	w.commits(run.ID, nil, journal.Draft{Kind: reeve.KindStepCompleted, Path: "b", Data: json.RawMessage(`1`)})
	w.completes(run.ID)
	var told []int64
	for e, ok := f.entry(); ok; e, ok = f.entry() {
		told = append(told, e.Seq)
	}
	if diff := cmp.Diff([]int64{4, 5, 6, 7}, told); diff != "" {
		t.Error(diff)
	}
}
