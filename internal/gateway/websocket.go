package gateway

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"github.com/reeve-run/reeve/wire"
)

// This file alone knows the WebSocket library. It was chosen by the memory of an idle connection: this
// server holds 9,000 of them at 8.6 KB resident each, both ends in one process (TestIdleSocketMemory).
// coder/websocket has the better API; a bare loop that reads from it, without this server around
// it, took 17.6 KB for each of 2,000.

// readBuffer is small because most frames from clients are; a longer one is read past it.
const readBuffer = 512

// linger bounds how long a closed socket waits for the client's own close, and how much it reads on
// meanwhile. Closing with unread bytes would reset the connection, and the client would
// never see the code.
const (
	linger      = 2 * time.Second
	lingerBytes = 64 << 20
)

// listener hears what comes from a client. Its methods are called by the connection's one
// reading goroutine.
type listener interface {
	opened(*connection)
	text(data []byte) // data is valid until text returns
	binary()
	pinged(payload []byte)
	heard()        // any sign of the client
	faulted(v any) // the library panicked over a frame; nothing is read any more
}

// connection is a WebSocket.
type connection struct{ ws *gws.Conn }

// upgrader makes connections of requests.
type upgrader struct {
	ws       *gws.Upgrader
	patience time.Duration
}

func newUpgrader(maxFrame int, patience time.Duration) *upgrader {
	return &upgrader{patience: patience, ws: gws.NewUpgrader(events{}, &gws.ServerOption{
		ReadMaxPayloadSize:  maxFrame,
		WriteMaxPayloadSize: 1 << 30, // what is written is ours
		CheckUtf8Enabled:    true,
		NewSession:          func() gws.SessionStorage { return nil },
		Recovery:            func(gws.Logger) {}, // a panic is handled where it may arise
		Logger:              silent{},
	})}
}

// upgradable says whether a request asks for a WebSocket at all.
func upgradable(r *http.Request) bool {
	return r.Header.Get("Sec-WebSocket-Key") != "" && r.Header.Get("Sec-WebSocket-Version") == "13" &&
		headerHas(r.Header, "Connection", "upgrade") && headerHas(r.Header, "Upgrade", "websocket")
}

func headerHas(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), token) {
				return true
			}
		}
	}
	return false
}

// upgrade takes the connection from the HTTP server. Once it returns without an error, read must be
// called, from a goroutine that is not the handler's: the handler's holds the server's buffers.
func (u *upgrader) upgrade(w http.ResponseWriter, r *http.Request, l listener) (read func(), err error) {
	raw, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Time{}) // the HTTP server's
	half := &halfClosed{Conn: raw, listener: l, patience: u.patience}
	var early io.Reader = half
	if n := buffered.Reader.Buffered(); n > 0 { // frames that came with the request
		ahead, _ := buffered.Peek(n)
		early = io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), half)
	}
	ws, err := u.ws.UpgradeFromConn(half, bufio.NewReaderSize(early, readBuffer), r)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return func() {
		defer half.finish()
		defer func() { // a length of 2^63 or more is one thing that gws panics over
			if v := recover(); v != nil {
				l.faulted(v)
			}
		}()
		l.opened(&connection{ws: ws})
		ws.ReadLoop()
	}, nil
}

// write sends one text message. It must not be called by two goroutines at once.
func (c *connection) write(frame []byte) error { return c.ws.WriteMessage(gws.OpcodeText, frame) }

func (c *connection) ping() error { return c.ws.WritePing(nil) }

func (c *connection) pong(payload []byte) error { return c.ws.WritePong(payload) }

// close says goodbye; the reading goroutine ends when the client has answered, or after linger.
func (c *connection) close(code wire.CloseCode, reason string) {
	_ = c.ws.WriteClose(uint16(code), []byte(reason))
}

// cut ends the connection without a word.
func (c *connection) cut() { _ = netOf(c.ws).Conn.Close() }

func netOf(ws *gws.Conn) *halfClosed { return ws.NetConn().(*halfClosed) }

// events passes what the library hears on to the connection's listener.
type events struct{}

func (events) OnOpen(*gws.Conn)         {}
func (events) OnClose(*gws.Conn, error) {}
func (events) OnPing(ws *gws.Conn, payload []byte) {
	l := netOf(ws).listener
	l.heard()
	l.pinged(payload)
}
func (events) OnPong(ws *gws.Conn, _ []byte) { netOf(ws).listener.heard() }
func (events) OnMessage(ws *gws.Conn, m *gws.Message) {
	defer m.Close()
	l := netOf(ws).listener
	if l.heard(); m.Opcode == gws.OpcodeText {
		l.text(m.Bytes())
	} else {
		l.binary()
	}
}

// silent is a logger for a library that needs one: whoever reads and writes is told all by errors.
type silent struct{}

func (silent) Error(...any) {}

// halfClosed is a connection that the library closes for writing only, and that bounds each write.
type halfClosed struct {
	net.Conn
	listener listener
	patience time.Duration // for the client to take one message

	mu      sync.Mutex
	closing bool
}

func (c *halfClosed) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(c.patience))
	return c.Conn.Write(b)
}

// Close is the library's: it has said or heard goodbye, or met an error.
func (c *halfClosed) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	c.closing = true
	_ = c.SetReadDeadline(time.Now().Add(linger))
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// finish reads on for a moment, then closes.
func (c *halfClosed) finish() {
	_ = c.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, lingerBytes))
	_ = c.Conn.Close()
}
