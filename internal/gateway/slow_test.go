package gateway

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// large is an entry that soon fills the buffers of a connection that nobody reads.
func large(path string) journal.Draft {
	return journal.Draft{Kind: reeve.KindStepCompleted, Path: path, Data: json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)}
}

// floods has the run write more than the kernel's buffers and the queue hold.
func (w *world) floods(run reeve.RunID) {
	w.Helper()
	for range 40 {
		w.does(run, large("flood"))
	}
}

func tight(c *Config) {
	c.Limits.QueueEntries, c.Limits.QueueBytes = 20, 64<<20
}

func (w *world) eventually(what string, is func() bool) {
	w.Helper()
	for deadline := time.Now().Add(hang); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("never: %s", what)
		}
	}
}

// A publisher is never held up: the flood is written while nobody reads. A reader that then goes on
// is told to come back, and finds everything.
func TestSlowSocketIsClosedAndComesBack(t *testing.T) {
	w := newWorld(t, tight, func(c *Config) { c.Limits.WriteMS = hang.Milliseconds() })
	run := w.starts()
	p := w.dial()
	p.send(`{"type":"follow","id":"f","run":"` + string(run.ID) + `"}`)
	p.until("live")
	w.floods(run.ID)
	last := int64(3)
	var said wire.Problem
	for {
		m, err := p.tryRead()
		if err != nil {
			break
		}
		if said = m.Problem; m.Type == "entry" {
			if m.Entry.First != last+1 {
				t.Fatalf("after %d came %d", last, m.Entry.First)
			}
			last = m.Entry.Seq
		}
	}
	if said.Code != reeve.CodeRateLimited || last >= 43 {
		t.Fatalf("at %d it was told %+v", last, said)
	}
	if n := w.metric("reeve_slow_readers_total", "websocket"); n != 1 {
		t.Errorf("slow readers counted: %v", n)
	}
	again := w.dial()
	again.send(string(wire.Encode(wire.Follow{Type: "follow", ID: "1", Run: string(run.ID), After: last})))
	for last < 43 {
		m := again.until("entry")
		if m.Entry.First != last+1 {
			t.Fatalf("after %d came %d", last, m.Entry.First)
		}
		last = m.Entry.Seq
	}
}

func TestSocketThatNeverReadsIsCutOff(t *testing.T) {
	w := newWorld(t, tight, func(c *Config) { c.Limits.WriteMS = 300 })
	run := w.starts()
	p := w.dial()
	p.send(`{"type":"follow","id":"f","run":"` + string(run.ID) + `"}`)
	p.until("live")
	w.floods(run.ID)
	w.eventually("the socket is gone", func() bool { return w.gate.open() == 0 })
}

func TestSlowStreamIsClosedAndComesBack(t *testing.T) {
	w := newWorld(t, tight, func(c *Config) { c.Limits.WriteMS = hang.Milliseconds() })
	run := w.starts()
	f := w.feed("/v1/runs/" + string(run.ID) + "/events?after=3")
	defer f.close()
	w.does(run.ID, step("a"))
	if e, ok := f.entry(); !ok || e.Seq != 4 { // now it is live: one that reads the past is not slow
		t.Fatalf("the first entry: %+v", e)
	}
	w.floods(run.ID)
	last := int64(4)
	var end event
	for e, ok := f.next(); ok; e, ok = f.next() {
		if end = e; e.name == "" {
			last++
		}
	}
	if end.name != "problem" || !strings.Contains(end.data, `"rate_limited"`) || last >= 44 {
		t.Fatalf("at %d it was told %s %.100s", last, end.name, end.data)
	}
	position := reeve.Position{Epoch: w.log(target{thread: run.Thread}, 0)[0].Epoch, Seq: last}
	again := w.feed("/v1/runs/"+string(run.ID)+"/events", "Last-Event-ID", position.String())
	defer again.close()
	for last < 44 {
		if e, ok := again.entry(); !ok || e.First != last+1 {
			t.Fatalf("after %d came %+v", last, e.First)
		}
		last++
	}
}

func TestStreamThatNeverReadsIsCutOff(t *testing.T) {
	w := newWorld(t, tight, func(c *Config) { c.Limits.WriteMS = 300 })
	run := w.starts()
	f := w.feed("/v1/runs/" + string(run.ID) + "/events?after=3")
	defer f.close()
	w.does(run.ID, step("a"))
	f.entry()
	w.floods(run.ID)
	w.eventually("the stream is gone", func() bool { return w.gate.waiters() == 0 })
	if n := w.metric("reeve_slow_readers_total", "sse"); n != 1 {
		t.Errorf("slow readers counted: %v", n)
	}
}

// A client that asks and never reads the answers is bounded as well.
func TestSocketThatDoesNotReadItsAnswers(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.WriteMS = 300 })
	p := w.dial()
	long := strings.Repeat("x", 190)
	go func() {
		for p.c.Write(t.Context(), 1, []byte(`{"type":"nothing","id":"`+long+`"}`)) == nil {
		}
	}()
	w.eventually("the socket is gone", func() bool { return w.gate.open() == 0 })
}
