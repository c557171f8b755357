package gateway

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// BenchmarkStartOverHTTP is a run's acceptance by POST on an open connection, store in memory.
func BenchmarkStartOverHTTP(b *testing.B) {
	w := newWorld(b)
	body := wire.StartRun{Agent: "echo", Input: json.RawMessage(`{"text":"hi"}`)}
	for b.Loop() {
		want[reeve.Run](w, http.StatusCreated, "POST", "/v1/runs", body)
	}
}

// BenchmarkStartToFirstEntry is a start on a socket until its first entry has come.
func BenchmarkStartToFirstEntry(b *testing.B) {
	w := newWorld(b)
	p := w.dial()
	n := 0
	for b.Loop() {
		n++
		frame := wire.Encode(wire.Start{Type: "start", ID: wire.TextID("s"), Agent: "echo", Input: json.RawMessage(`1`)})
		if err := p.c.Write(b.Context(), websocket.MessageText, frame); err != nil {
			b.Fatal(err)
		}
		p.until("entry")
		p.send(`{"type":"unfollow","id":"s"}`)
		p.until("ok")
	}
}
