package client

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"github.com/reeve-run/reeve"
)

const (
	maxEvent   = 64 << 20 // of one event in bytes; escapes can make an entry several times as long
	maxProblem = 1 << 20
)

// event is one server-sent event.
type event struct {
	name string
	data []byte
}

// events reads a stream of server-sent events.
type events struct {
	lines *bufio.Scanner
	alive func() // called for each line, heartbeats too
}

func newEvents(r io.Reader, alive func()) *events {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), maxEvent)
	return &events{lines: lines, alive: alive}
}

// next is the next event with data; io.EOF at the end of the stream. An event that is cut off by
// the end is not given.
func (s *events) next() (event, error) {
	var e event
	for s.lines.Scan() {
		s.alive()
		line := s.lines.Text()
		if line == "" {
			if len(e.data) > 0 {
				return e, nil
			}
			e = event{}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.name = value
		case "data":
			if len(e.data) > 0 {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
		}
	}
	if err := s.lines.Err(); err != nil {
		return event{}, err
	}
	return event{}, io.EOF
}

// decode reads the data of an event as a T.
func decode[T any](e event) (T, error) {
	var v T
	if err := json.Unmarshal(e.data, &v); err != nil {
		return v, reeve.Errorf(reeve.CodeInternal, "the server sent an event that is not reeve's: %w", err)
	}
	return v, nil
}
