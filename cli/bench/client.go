package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lxzan/gws"
	"golang.org/x/sync/errgroup"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

const (
	dialers      = 64               // sockets that are being opened at once
	dialBound    = 30 * time.Second // for one
	firstEntries = 300              // starts that are timed
	entryBound   = 30 * time.Second // for one run
)

// socket is a WebSocket client. It answers pings, and passes frames on where somebody takes them.
type socket struct {
	gws.BuiltinEventHandler
	conn   *gws.Conn
	frames chan frame // nil: nobody listens
	ended  chan struct{}
}

// frame is a frame of the server, and when it was here.
type frame struct {
	at   time.Time
	text []byte
}

// OnPing answers, as a browser would.
func (s *socket) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnMessage passes a frame on.
func (s *socket) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	if s.frames != nil {
		s.frames <- frame{time.Now(), slices.Clone(m.Bytes())}
	}
}

// dial opens a socket; close ends it and waits for its goroutine.
func dial(address string, frames chan frame) (*socket, error) {
	s := &socket{frames: frames, ended: make(chan struct{})}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{Addr: "ws://" + address + "/v1/ws", HandshakeTimeout: dialBound})
	if err != nil {
		return nil, fmt.Errorf("open a WebSocket to %s: %w", address, err)
	}
	s.conn = conn
	go func() {
		defer close(s.ended)
		conn.ReadLoop()
	}()
	return s, nil
}

func (s *socket) close() {
	_ = s.conn.NetConn().Close()
	<-s.ended
}

// sockets are many of them.
type sockets struct {
	mu  sync.Mutex
	all []*socket
}

func (s *sockets) close() {
	for _, one := range s.all {
		one.close()
	}
}

// open opens so many. What it returns is to be closed in any case.
func open(ctx context.Context, address string, n int) (*sockets, error) {
	held := &sockets{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(dialers)
	for range n {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			one, err := dial(address, nil)
			if err != nil {
				return err
			}
			held.mu.Lock()
			defer held.mu.Unlock()
			held.all = append(held.all, one)
			return nil
		})
	}
	return held, g.Wait()
}

// firstEntry is the median time from a start frame to the first entry of its run, in milliseconds.
func firstEntry(ctx context.Context, address string) (float64, error) {
	frames := make(chan frame, 64)
	s, err := dial(address, frames)
	if err != nil {
		return 0, err
	}
	defer s.close()
	input, err := json.Marshal(plan{Steps: 1})
	if err != nil {
		return 0, err
	}
	took := make([]time.Duration, 0, firstEntries)
	for i := range firstEntries {
		start := wire.Start{Type: wire.TypeStart, ID: wire.TextID(fmt.Sprint(i)), Agent: stepper.Name(), Input: input}
		began := time.Now()
		if err := s.conn.WriteMessage(gws.OpcodeText, wire.Encode(start)); err != nil {
			return 0, err
		}
		first, err := untilEnd(ctx, frames)
		if err != nil {
			return 0, err
		}
		took = append(took, first.Sub(began))
	}
	slices.Sort(took)
	return ms(quantile(took, 0.5)), nil
}

// untilEnd reads a run to its end and says when its first entry was here.
func untilEnd(ctx context.Context, frames <-chan frame) (first time.Time, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, entryBound, errors.New("a run did not end in time"))
	defer cancel()
	for {
		select {
		case f := <-frames:
			var head struct {
				Type    string       `json:"type"`
				Entry   reeve.Entry  `json:"entry"`
				Problem wire.Problem `json:"problem"`
			}
			if err := json.Unmarshal(f.text, &head); err != nil {
				return first, err
			}
			switch {
			case head.Type == wire.TypeError:
				return first, head.Problem.Err()
			case head.Type != wire.TypeEntry:
				continue
			case first.IsZero():
				first = f.at
			}
			if head.Entry.Kind.Ends() {
				return first, nil
			}
		case <-ctx.Done():
			return first, context.Cause(ctx)
		}
	}
}
