package engine

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// The wait between two entries of a stream: it grows while the log does not keep up.
const (
	textMin = 100 * time.Millisecond
	textMax = 500 * time.Millisecond
)

// stream gathers emitted text into text.appended entries: the first at once, then one
// each textMin, up to textMax under load.
type stream struct {
	x    *Execution
	path string
	try  int // 0 for a body's

	mu      sync.Mutex
	buf     []byte
	offset  int64 // of buf's first byte
	started bool
	closed  bool
	timer   *time.Timer
	pause   time.Duration
	slow    bool            // it was said that the store does not keep up
	last    <-chan struct{} // closed when what was handed in last is settled
}

func (x *Execution) newStream(path string, try int, offset int64) *stream {
	return &stream{x: x, path: path, try: try, offset: offset, pause: textMin}
}

// emit takes text. It waits only while more than MaxText is on its way to the log.
func (s *stream) emit(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errStepOver(s.path)
	}
	s.buf = append(s.buf, text...)
	switch {
	case len(s.buf) > s.x.cfg.MaxText:
		return s.press()
	case !s.started:
		s.started = true
		return s.send()
	case s.timer == nil && len(s.buf) > 0:
		s.timer = time.AfterFunc(s.pause, func() { s.x.background(s.tick) })
	}
	return nil
}

// tick sends what has gathered, if what went before is durable; else it waits longer. So one
// entry of a stream is on its way at a time, and what gathers meanwhile is bounded by emit.
func (s *stream) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	if s.closed {
		return
	}
	select {
	case <-s.last:
		s.pause = max(textMin, s.pause/2)
		_ = s.send() // a lane that takes nothing is the execution's end, which it hears of elsewhere
	default:
		s.pause = min(textMax, 2*s.pause)
		s.timer = time.AfterFunc(s.pause, func() { s.x.background(s.tick) })
	}
}

// press sends and waits until it is durable: the model is faster than the store. s.mu is held,
// so that whoever emits meanwhile waits too.
func (s *stream) press() error {
	if s.timer != nil { // it would only wait for s.mu
		s.timer.Stop()
		s.timer = nil
	}
	if err := s.send(); err != nil || s.last == nil {
		return err
	}
	if !s.slow {
		s.slow = true
		s.x.log().Info("a stream is faster than the store, and waits for it", "path", s.path, "bytes", s.x.cfg.MaxText)
	}
	select {
	case <-s.last:
		return nil
	case <-s.x.ctx.Done():
		return context.Cause(s.x.ctx)
	}
}

// send hands in all but a character that is not whole yet. s.mu is held.
func (s *stream) send() error { return s.sendFirst(whole(s.buf)) }

// sendFirst hands in the first n bytes, in pieces that surely fit into an entry. s.mu is held.
func (s *stream) sendFirst(n int) error {
	piece := max(utf8.UTFMax, s.x.cfg.Journal.MaxEntry()/8) // a byte is six at most when it is escaped
	for n > 0 {
		m := min(n, piece)
		if m < n {
			m = whole(s.buf[:m])
		}
		settled, err := s.x.owner.Hand(s.cut(m))
		if err != nil {
			return err
		}
		s.last = settled
		n -= m
	}
	return nil
}

// cut makes an entry of the first n bytes; offsets count what stands there. s.mu is held.
func (s *stream) cut(n int) journal.Draft {
	text := strings.ToValidUTF8(string(s.buf[:n]), "\uFFFD")
	d := s.x.draft(reeve.KindTextAppended, s.path, marshal(reeve.TextAppended{Offset: s.offset, Text: text}))
	d.Try = s.try
	s.offset += int64(len(text))
	s.buf = append(s.buf[:0], s.buf[n:]...)
	return d
}

// flush sends now what has gathered, before something else is written.
func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.send()
}

// close ends the stream; what is left is handed in.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	_ = s.sendFirst(len(s.buf)) // as in tick
}

// whole is how many bytes there are up to the last whole character.
func whole(b []byte) int {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		c := b[len(b)-i]
		if !utf8.RuneStart(c) {
			continue
		}
		if utf8.FullRune(b[len(b)-i:]) {
			return len(b)
		}
		return len(b) - i
	}
	return len(b)
}

// Emit appends to a body's text, from the offset on; what the log has is passed over.
func (b *branch) Emit(_ context.Context, _ string, offset int64, text string) error {
	b.beat(true)
	known := int64(0)
	if b.records != nil {
		known = b.records.texts[b.path]
	}
	if skip := known - offset; skip > 0 {
		if skip >= int64(len(text)) {
			return nil
		}
		text = text[skip:]
	}
	if b.text == nil {
		b.text = b.x.newStream(b.path, 0, max(known, offset))
	}
	return b.text.emit(text)
}
