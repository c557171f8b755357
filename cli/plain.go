package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli/tree"
)

// plain writes a line for each entry, with the time since the run's first. Streamed text
// comes line by line.
type plain struct {
	out   io.Writer
	began time.Time
	text  map[string]string // of each path, what has no line end yet
}

func newPlain(out io.Writer) *plain { return &plain{out: out, text: map[string]string{}} }

func (p *plain) entry(e reeve.Entry) {
	if p.began.IsZero() {
		p.began = e.At
	}
	if e.Kind == reeve.KindTextAppended {
		p.stream(e)
		return
	}
	if e.Kind == reeve.KindRunStarted {
		clear(p.text) // a takeover begins its unfinished text anew
	}
	p.flush(e)
	p.line(e, strings.TrimSpace(string(e.Kind)+"  "+detail(e)))
}

func (p *plain) line(e reeve.Entry, text string) {
	where := ""
	if e.Path != "" {
		where = tree.Printable(e.Path) + "  "
	}
	fmt.Fprintf(p.out, "%8s  %s%s\n", tree.Brief(e.At.Sub(p.began)), where, text)
}

func (p *plain) stream(e reeve.Entry) {
	var text reeve.TextAppended
	if json.Unmarshal(e.Data, &text) != nil {
		return
	}
	if text.Offset == 0 {
		p.text[e.Path] = ""
	}
	whole, rest, found := cutLast(p.text[e.Path]+text.Text, '\n')
	p.text[e.Path] = rest
	if found {
		for line := range strings.SplitSeq(whole, "\n") {
			p.line(e, "| "+tree.Printable(line, '\t'))
		}
	}
}

// flush writes the unfinished line of the entry's path: what comes now comes after it. The text of a
// try that failed is dropped, as every reader drops it.
func (p *plain) flush(e reeve.Entry) {
	if text := p.text[e.Path]; text != "" && e.Kind != reeve.KindStepFailed {
		p.line(e, "| "+tree.Printable(text, '\t'))
	}
	delete(p.text, e.Path)
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func (p *plain) say(text string) { fmt.Fprintln(p.out, text) }
func (p *plain) close()          {}

// detail is what a person wants to know of an entry beyond its kind.
func detail(e reeve.Entry) string {
	var d struct {
		Role     string         `json:"role"`
		Agent    string         `json:"agent"`
		Attempt  int            `json:"attempt"`
		Message  string         `json:"message"`
		Final    bool           `json:"final"`
		Text     string         `json:"text"`
		Until    *time.Time     `json:"until"`
		Reason   string         `json:"reason"`
		SilentMS int64          `json:"silent_ms"`
		By       string         `json:"by"`
		Error    *reeve.Failure `json:"error"`
	}
	if json.Unmarshal(e.Data, &d) != nil {
		return "" // a step's own result need not be an object
	}
	said := ""
	switch e.Kind {
	case reeve.KindMessageAdded:
		said = d.Role
	case reeve.KindRunQueued, reeve.KindAgentCalled:
		said = d.Agent
	case reeve.KindRunStarted:
		said = fmt.Sprintf("attempt %d", max(e.Attempt, d.Attempt))
	case reeve.KindStepFailed:
		said = fmt.Sprintf("try %d: %s", max(1, e.Try), d.Message)
	case reeve.KindRunFailed:
		said = d.Message
	case reeve.KindAgentReturned:
		if d.Error != nil {
			said = "failed: " + d.Error.Message
		}
	case reeve.KindAskOpened:
		said = d.Text
	case reeve.KindAskAnswered:
		said = "by " + d.By
	case reeve.KindTimerSet:
		if d.Until != nil {
			said = "until " + stamp(*d.Until)
		}
	case reeve.KindRunHanded, reeve.KindCancelRequested:
		said = d.Reason
	case reeve.KindRunStalled:
		said = d.Reason + " for " + tree.Brief(time.Duration(d.SilentMS)*time.Millisecond)
	}
	return tree.Printable(strings.ReplaceAll(said, "\n", " "))
}
