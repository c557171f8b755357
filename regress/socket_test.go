package regress

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// socket is a WebSocket client that shares no code with the server's. The tests' goroutine owns it.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
}

// frame is any frame of the server.
type frame struct {
	Type    string       `json:"type"`
	ID      string       `json:"id"`
	Sub     string       `json:"sub"`
	Run     reeve.RunID  `json:"run"`
	Seq     int64        `json:"seq"`
	Entry   reeve.Entry  `json:"entry"`
	Reason  string       `json:"reason"`
	First   int64        `json:"first"`
	Problem wire.Problem `json:"problem"`
}

// dial opens a socket.
func dial(t testing.TB, url string) *socket {
	t.Helper()
	s, err := tryDial(t, url)
	if err != nil {
		t.Fatalf("dial %s: %v", url, err)
	}
	return s
}

func tryDial(t testing.TB, url string) (*socket, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	// One transport a socket, so that a dropped one leaves nothing of itself behind.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	conn, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+"/v1/ws", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(64 << 20)
	return &socket{t: t, conn: conn}, nil
}

// drop cuts the connection without a word.
func (s *socket) drop() { _ = s.conn.CloseNow() }

func (s *socket) send(v any) {
	s.t.Helper()
	if err := s.trySend(v); err != nil {
		s.t.Fatalf("send: %v", err)
	}
}

func (s *socket) trySend(v any) error {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, encode(s.t, v))
}

// read takes the next frame.
func (s *socket) read() (frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	_, raw, err := s.conn.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	return f, json.Unmarshal(raw, &f)
}

// expect reads on to the next frame of a kind; a refusal fails the test.
func (s *socket) expect(kind string) frame {
	s.t.Helper()
	for {
		f, err := s.read()
		switch {
		case err != nil:
			s.t.Fatalf("waiting for %s: %v", kind, err)
		case f.Type == kind:
			return f
		case f.Type == wire.TypeError:
			s.t.Fatalf("waiting for %s: %+v", kind, f.Problem)
		}
	}
}

// start starts a run over the socket, which follows it from then on.
func (s *socket) start(name string, input any) frame {
	s.t.Helper()
	s.send(map[string]any{"type": wire.TypeStart, "id": "1", "agent": name, "input": input})
	return s.expect(wire.TypeAccepted)
}

// next is the next entry.
func (s *socket) next() reeve.Entry {
	s.t.Helper()
	return s.expect(wire.TypeEntry).Entry
}
