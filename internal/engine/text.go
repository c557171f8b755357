package engine

import (
	"context"
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
		return reeve.Errorf(reeve.CodeInvalid, "emit at %q: the step has ended", s.path)
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

// tick sends what has gathered.
func (s *stream) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	if s.closed {
		return
	}
	s.adapt()
	_ = s.send() // a lane that takes nothing is the execution's end, which it hears of elsewhere
}

// adapt waits longer while the entry before is not durable yet.
func (s *stream) adapt() {
	select {
	case <-s.last:
		s.pause = max(textMin, s.pause/2)
	default:
		s.pause = min(textMax, 2*s.pause)
	}
}

// press sends and waits until it is durable: the model is faster than the store. s.mu is held,
// so that whoever emits meanwhile waits too.
func (s *stream) press() error {
	if err := s.send(); err != nil || s.last == nil {
		return err
	}
	select {
	case <-s.last:
		return nil
	case <-s.x.ctx.Done():
		return context.Cause(s.x.ctx)
	}
}

// send hands in all but a character that is not whole yet. s.mu is held.
func (s *stream) send() error {
	d, ok := s.cut(whole(s.buf))
	if !ok {
		return nil
	}
	settled, err := s.x.owner.Hand(d)
	s.last = settled
	return err
}

// cut makes an entry of the first n bytes. s.mu is held.
func (s *stream) cut(n int) (journal.Draft, bool) {
	if n == 0 {
		return journal.Draft{}, false
	}
	text := string(s.buf[:n])
	d := s.x.draft(reeve.KindTextAppended, s.path, marshal(reeve.TextAppended{Offset: s.offset, Text: text}))
	d.Try = s.try
	s.offset += int64(n)
	s.buf = append(s.buf[:0], s.buf[n:]...)
	return d, true
}

// rest ends the stream and gives what was not sent, for the commit that ends the step.
func (s *stream) rest() []journal.Draft {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	d, ok := s.cut(len(s.buf))
	if !ok {
		return nil
	}
	return []journal.Draft{d}
}

// flush sends now what has gathered, before something else is written.
func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.send()
}

// close ends a body's stream; what is left is handed in.
func (s *stream) close() {
	for _, d := range s.rest() {
		_, _ = s.x.owner.Hand(d) // as in tick
	}
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
	if recs := b.x.records.Load(); recs != nil {
		known = recs.texts[b.path]
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
