package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// screen is the last lines of a terminal, drawn again in place. What is written to it
// appears above them. It is safe for concurrent use.
type screen struct {
	mu    sync.Mutex
	file  *os.File
	lines []string // what is drawn just now
}

// room is the columns and lines of the terminal.
func (s *screen) room() (width, height int) {
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil {
		return 80, 24
	}
	return width, height
}

// draw replaces the lines that were drawn before. A terminal that is gone does not matter to the run.
func (s *screen) draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	s.erase(&b)
	s.lines = lines
	s.paint(&b)
	_, _ = s.file.Write(b.Bytes())
}

// Write puts text above the lines. It lets a log share the terminal with them.
func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	s.erase(&b)
	b.Write(text)
	if !bytes.HasSuffix(text, []byte("\n")) {
		b.WriteByte('\n')
	}
	s.paint(&b)
	if _, err := s.file.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// erase goes back to where the lines begin and clears what is below.
func (s *screen) erase(b *bytes.Buffer) {
	if n := len(s.lines); n > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", n)
	}
}

func (s *screen) paint(b *bytes.Buffer) {
	for _, line := range s.lines {
		b.WriteString(line)
		b.WriteByte('\n')
	}
}

var _ io.Writer = (*screen)(nil)

// colored says whether colours are wanted: https://no-color.org.
func colored() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }
