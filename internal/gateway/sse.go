package gateway

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// heartbeat is how often a silent stream says that it lives, so that proxies keep it open.
const heartbeat = 15 * time.Second

// follow answers with server-sent events from the client's position on.
func (g *Gateway) follow(w http.ResponseWriter, r *http.Request, c *call) {
	leave, err := g.enterStream()
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	defer leave()
	woken := make(chan struct{}, 1)
	f, reset, err := g.followCall(c, signal(woken))
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	s := &stream{w: w, control: http.NewResponseController(w), patience: wire.MS(g.Limits.WriteMS)}
	defer s.close()
	if reset != nil {
		g.problem(reset, "follow") // counts it
		s.open()
		_ = s.reset(reset)
		return
	}
	defer g.endFollower(f)
	if f.done {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if s.open(); r.Method == http.MethodHead {
		return
	}
	g.metrics.streams.Inc()
	defer g.metrics.streams.Dec()
	if err := g.tellStream(c.ctx, s, f, woken); err != nil {
		g.endStream(s, err)
	}
}

// followCall makes the follower that a request asks for. A position that cannot be served is
// given as reset, without a follower.
func (g *Gateway) followCall(c *call, notify func()) (*follower, *wire.ResetError, error) {
	on, err := c.target()
	if err != nil {
		return nil, nil, err
	}
	from, err := parsePlace(c.r.Header, c.query)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	f := g.newFollower(on, notify, g.newBudget())
	if err := f.open(ctx, c.who, from); err != nil {
		g.endFollower(f)
		if reset, ok := errors.AsType[*wire.ResetError](err); ok {
			return nil, reset, nil
		}
		return nil, nil, err
	}
	return f, nil, nil
}

// errWrite is a client that does not take what is written, or has gone.
var errWrite = errors.New("the client does not read")

// tellStream writes until the run has ended (nil), the client or the gateway goes (nil), or
// following ends with an error that the client is to be told.
func (g *Gateway) tellStream(ctx context.Context, s *stream, f *follower, woken <-chan struct{}) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, g.requestTime())
		p, err := f.next(asking)
		cancel()
		if werr := s.entries(p.entries); werr != nil {
			return werr
		}
		f.box.written()
		if err != nil || p.done {
			return err
		}
		if p.more {
			continue
		}
		select {
		case <-woken:
		case <-beat.C:
			if err := s.comment("alive"); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		case <-g.ctx.Done():
			return nil
		}
	}
}

// endStream tells the client why his stream ends early.
func (g *Gateway) endStream(s *stream, err error) {
	if reset, ok := errors.AsType[*wire.ResetError](err); ok {
		g.problem(err, "follow")
		_ = s.reset(reset)
		return
	}
	if errors.Is(err, errWrite) || reeve.CodeOf(err) == reeve.CodeRateLimited {
		g.metrics.slow.WithLabelValues("sse").Inc()
	}
	if !errors.Is(err, errWrite) {
		_ = s.event("problem", "", wire.Encode(g.problem(err, "follow")))
	}
}

// stream writes server-sent events, each piece within a bounded time.
type stream struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	buf      bytes.Buffer
}

func (s *stream) open() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers would hold entries back
	s.w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
}

// close takes the deadline off the connection, which may serve other requests.
func (s *stream) close() { _ = s.control.SetWriteDeadline(time.Time{}) }

// entries writes a portion; what gathered meanwhile goes out in one piece.
func (s *stream) entries(entries []reeve.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	for i := range entries {
		e := &entries[i]
		s.add("", reeve.Position{Epoch: e.Epoch, Seq: e.Seq}.String(), wire.Encode(e))
		if s.buf.Len() >= readBytes {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

// reset bears the position before the first entry that can be served as its id: a browser that
// comes back by itself goes on from there.
func (s *stream) reset(e *wire.ResetError) error {
	return s.event("reset", strconv.FormatInt(e.Epoch, 10)+":"+strconv.FormatInt(max(e.First-1, 0), 10), wire.Encode(e))
}

func (s *stream) event(name, id string, data []byte) error {
	s.add(name, id, data)
	return s.flush()
}

func (s *stream) comment(text string) error {
	s.buf.WriteString(": " + text + "\n\n")
	return s.flush()
}

// add appends an event. JSON from wire.Encode has no line breaks.
func (s *stream) add(name, id string, data []byte) {
	if name != "" {
		s.buf.WriteString("event: " + name + "\n")
	}
	if id != "" {
		s.buf.WriteString("id: " + id + "\n")
	}
	s.buf.WriteString("data: ")
	s.buf.Write(data)
	s.buf.WriteString("\n\n")
}

func (s *stream) flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.patience)) // a writer without deadlines is a test's
	_, err := s.w.Write(s.buf.Bytes())
	s.buf.Reset()
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		return errWrite
	}
	return nil
}
