package gateway

import (
	"context"
	"errors"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// send queues a frame.
func (s *socket) send(frame any) { s.push(outgoing{frame: wire.Encode(frame)}) }

// push queues what is to be written. A client that does not read its answers is closed.
func (s *socket) push(out outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending != nil {
		return
	}
	if len(s.queue) >= queueFrames || s.bytes+len(out.frame) > queueBytes && s.bytes > 0 {
		s.slow()
		return
	}
	s.queue = append(s.queue, out)
	s.bytes += len(out.frame)
	s.wakeWriter()
}

// offer is push for what may as well be left out: beats.
func (s *socket) offer(frame any) {
	s.mu.Lock()
	crowded := len(s.queue) > queueFrames/2 || s.bytes > queueBytes/2
	s.mu.Unlock()
	if !crowded {
		s.send(frame)
	}
}

// slow ends the socket of a client that does not read. The caller holds mu.
func (s *socket) slow() {
	s.g.metrics.slow.WithLabelValues("websocket").Inc()
	s.end(goodbye{wire.CloseSlowReader, "too much waits to be read: come back at your last position"})
}

// close ends the socket after what is queued has been written.
func (s *socket) close(code wire.CloseCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(goodbye{code, reason})
}

// end may be called again; the first reason stays. The caller holds mu.
func (s *socket) end(g goodbye) {
	if s.ending == nil {
		s.ending = &g
		s.ready = nil
		s.wakeWriter()
	}
}

func (s *socket) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending != nil
}

// cut ends the connection now.
func (s *socket) cut() {
	s.cancel()
	s.conn.cut()
}

// wakeWriter starts the writer unless it is at work. The caller holds mu.
func (s *socket) wakeWriter() {
	if !s.writing {
		s.writing = true
		s.work.Go(s.writer)
	}
}

// writer writes until there is nothing more to write.
func (s *socket) writer() {
	for {
		queue, next, bye := s.toWrite()
		switch {
		case len(queue) > 0:
			if !s.writeQueue(queue) {
				return
			}
		case bye != nil:
			s.conn.close(bye.code, bye.reason)
			return
		case next != nil:
			if !s.tell(next) {
				return
			}
		default:
			return
		}
	}
}

// toWrite takes what is first: answers, then the end of the socket, then the next follow.
func (s *socket) toWrite() (queue []outgoing, next *sub, bye *goodbye) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.queue) > 0:
		queue, s.queue, s.bytes = s.queue, nil, 0
	case s.ending != nil:
		bye = s.ending // writing stays set: nothing is written after this
	case len(s.ready) > 0:
		next = s.ready[0]
		if s.ready = s.ready[1:]; len(s.ready) == 0 {
			s.ready = nil
		}
		next.queued = false
	default:
		s.writing = false
	}
	return queue, next, bye
}

func (s *socket) writeQueue(queue []outgoing) bool {
	for _, out := range queue {
		var err error
		switch out.kind {
		case outPing:
			err = s.conn.ping()
		case outPong:
			err = s.conn.pong(out.frame)
		default:
			err = s.conn.write(out.frame)
		}
		if err != nil {
			s.broken()
			return false
		}
	}
	return true
}

// broken is a client that has gone, or has not taken a frame in time. The reading goroutine
// ends with the connection; writing stays set, so that no writer starts again.
func (s *socket) broken() {
	s.mu.Lock()
	if s.ending == nil {
		s.ending = &goodbye{}
	}
	s.mu.Unlock()
	s.cut()
}

// tell writes one portion of a follow, and puts the follow behind the others when it has more.
func (s *socket) tell(b *sub) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.requestTime())
	defer cancel()
	p, err := b.f.next(ctx)
	for i := range p.entries {
		if s.conn.write(wire.Encode(wire.Entry{Type: wire.TypeEntry, Sub: b.id, Entry: p.entries[i]})) != nil {
			s.broken()
			return false
		}
	}
	b.f.box.written()
	if p.live {
		b.f.findRunning(ctx)
		s.send(wire.Live{Type: wire.TypeLive, Sub: b.id, Seq: p.seq})
	}
	switch {
	case err != nil:
		s.drop(b, err)
	case p.done:
		s.remove(b)
	case p.more:
		s.wake(b)
	}
	return true
}

// drop ends a follow with the reason for it.
func (s *socket) drop(b *sub, err error) {
	s.remove(b)
	if reset, ok := errors.AsType[*wire.ResetError](err); ok {
		s.g.problem(err, "follow")
		s.send(wire.Reset{Type: wire.TypeReset, Sub: b.id, Reason: reset.Reason, First: reset.First, Epoch: reset.Epoch})
		return
	}
	s.refuse(b.id, err)
	if reeve.CodeOf(err) == reeve.CodeRateLimited {
		s.mu.Lock()
		s.slow()
		s.mu.Unlock()
	}
}
