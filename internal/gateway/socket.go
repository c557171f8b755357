package gateway

import (
	"context"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/wire"
)

// What may wait in a socket's own queue of answers, beats and pings. Entries wait in mailboxes.
const (
	queueFrames = 1024
	queueBytes  = 4 << 20
)

// socket is one client on a WebSocket. Its reading goroutine handles frames in their order.
// Writing is done by a goroutine that lives only while there is something to write: it takes
// queued frames first, then a portion of each follow in turn, so that an idle socket has one
// goroutine and no timer.
type socket struct {
	g      *Gateway
	ctx    context.Context
	cancel context.CancelFunc
	leave  func() // of the clock

	// The reading goroutine's, until the clock knows the socket.
	conn    *connection
	waiting *http.Request // of a socket that has not said who it is; nil afterwards
	who     auth.Principal
	named   bool // by a token; it cannot become another's

	mu       sync.Mutex
	known    bool      // who is known
	at       time.Time // of the last sign of the client; before auth, of the upgrade
	subs     map[wire.ID]*sub
	ready    []*sub // with something to tell, in turn
	queue    []outgoing
	bytes    int
	writing  bool
	ending   *goodbye
	budget   *budget
	lastPing time.Time
	work     sync.WaitGroup // the writer and starts on their way
	starts   chan struct{}  // bounds starts on their way; nil before the first
}

type outgoing struct {
	kind  outKind
	frame []byte
}

type outKind int

const (
	outText outKind = iota
	outPing
	outPong
)

type goodbye struct {
	code   wire.CloseCode
	reason string
}

// upgrade is GET /v1/ws.
func (g *Gateway) upgrade(w http.ResponseWriter, r *http.Request, c *call) {
	if err := g.mayUpgrade(r, c); err != nil {
		g.refuse(w, r, err)
		return
	}
	leave, err := g.enterSocket()
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	s := &socket{g: g, who: c.who, known: c.known, named: c.known && r.Header.Get("Authorization") != "", at: time.Now(), lastPing: time.Now(), budget: g.newBudget()}
	s.ctx, s.cancel = context.WithCancel(context.Background()) // the request's ends with the handler
	if !c.known {
		s.waiting = r.Clone(s.ctx)
	}
	read, err := g.upgrader.upgrade(w, r, s)
	if err != nil {
		s.cancel()
		leave()
		g.refuse(w, r, reeve.Errorf(reeve.CodeInvalid, "the connection cannot become a WebSocket: %w", err))
		return
	}
	go func() {
		defer leave()
		s.live(read)
	}()
}

// mayUpgrade checks what can be checked before the handshake. A socket without any
// credentials may still bring an auth frame.
func (g *Gateway) mayUpgrade(r *http.Request, c *call) error {
	if !upgradable(r) {
		return &statusError{
			status: http.StatusUpgradeRequired, title: "Upgrade required",
			err: reeve.Errorf(reeve.CodeInvalid, "this route is a WebSocket (version 13): ask for an upgrade"),
		}
	}
	if !sameOrigin(r) {
		return reeve.Errorf(reeve.CodeForbidden, "a page of origin %q may not open a socket here", r.Header.Get("Origin"))
	}
	if !c.known && r.Header.Get("Authorization") != "" {
		return auth.Unknown()
	}
	return nil
}

// sameOrigin lets programs pass, which send no Origin, and pages of this very host.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == r.Host
}

// live is the socket's life.
func (s *socket) live(read func()) {
	s.g.metrics.sockets.Inc()
	defer s.g.metrics.sockets.Dec()
	read()
	s.cancel()
	if s.leave != nil {
		s.leave()
	}
	s.mu.Lock()
	s.ending = &goodbye{}
	s.queue, s.ready = nil, nil
	s.mu.Unlock()
	s.work.Wait()
	for id := range s.subs { // nobody else is left
		s.g.endFollower(s.subs[id].f)
	}
}

// opened is the first thing that the reading goroutine does.
func (s *socket) opened(c *connection) {
	s.conn = c
	hello := wire.Hello{Type: wire.TypeHello, Protocol: wire.Protocol, Limits: s.g.Limits}
	if s.known {
		hello.Version = s.g.Version
	}
	s.leave = s.g.clock.joinSocket(s)
	s.send(hello)
	if s.g.ctx.Err() != nil { // closed while this one came in
		s.close(wire.CloseGoingAway, "the server stops")
	}
}

// heard puts off the end of a silent socket. Before auth nothing does.
func (s *socket) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known {
		s.at = time.Now()
	}
}

func (s *socket) pinged(payload []byte) { s.push(outgoing{kind: outPong, frame: payload}) }

// binary is a message that cannot be a frame.
func (s *socket) binary() {
	s.refuse("", reeve.Errorf(reeve.CodeInvalid, "binary message: frames are text messages"))
}

// faulted is a frame that the library could not read. It ends this socket and no other.
func (s *socket) faulted(v any) {
	s.g.Logger.Warn("a socket's frame could not be read", "panic", v, "stack", string(debug.Stack()))
	s.close(wire.CloseProtocol, "the frame breaks the protocol")
	s.work.Wait() // for the writer to say so, before the connection ends
}

// text handles one frame. A fault of ours closes this socket and no other.
func (s *socket) text(data []byte) {
	defer func() {
		if v := recover(); v != nil {
			s.g.Logger.Error("frame panicked", "panic", v, "stack", string(debug.Stack()))
			s.close(wire.CloseInternal, "internal error")
		}
	}()
	s.g.metrics.frames.Inc()
	if s.isEnding() {
		return
	}
	frame, id, err := wire.ParseFrame(data, s.g.Limits.Depth)
	if err == nil {
		err = s.handle(frame)
	}
	if err != nil {
		s.refuse(id, err)
	}
	if s.waiting != nil { // it had one chance to say who it is
		s.close(wire.ClosePolicy, "the first frame must be auth with a known token")
	}
}

// refuse answers a frame with an error; the socket lives on.
func (s *socket) refuse(id wire.ID, err error) {
	s.send(wire.Error{Type: wire.TypeError, ID: id, Problem: s.g.problem(err, "websocket frame")})
}
