package agenttest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// story is how a run went, before anybody knows its types.
type story struct {
	run      reeve.Run
	log      Log
	took     time.Duration
	survived []int // deaths that never came
}

// check refuses options that did nothing: a test that believes it has seen a death must have.
func (s *story) check(t *testing.T, o *options) {
	t.Helper()
	if len(s.survived) > 0 {
		t.Errorf("agenttest.CrashAfter(%d): the run has only %d entries\n%s", s.survived[0], len(s.log), s.log)
	}
	if o.cancelAfter > len(s.log) {
		t.Errorf("agenttest.CancelAfter(%d): the run has only %d entries\n%s", o.cancelAfter, len(s.log), s.log)
	}
}

// err is why the run has no result.
func (s *story) err() error {
	switch s.run.Status {
	case reeve.StatusCompleted:
		return nil
	case reeve.StatusCancelled:
		return agent.ErrCancelled
	case reeve.StatusFailed:
		return &reeve.Error{Code: s.run.Error.Code, Message: s.run.Error.Message}
	}
	return fmt.Errorf("the run is %s: %s", s.run.Status, s.lacks())
}

// lacks says what would let a waiting run go on.
func (s *story) lacks() string {
	var parts []string
	for _, w := range s.waiting().For {
		parts = append(parts, fmt.Sprintf("nobody answers %q: give it with agenttest.Answer(%q, …)", w.Path, w.Path))
	}
	if len(parts) == 0 {
		return "nothing brings it on"
	}
	return strings.Join(parts, "; ")
}

// waiting is what the run waits for, when it has let go of its node.
func (s *story) waiting() reeve.RunWaiting {
	var w reeve.RunWaiting
	for i := len(s.log) - 1; i >= 0 && s.run.Status == reeve.StatusWaiting; i-- {
		if s.log[i].Kind == reeve.KindRunWaiting {
			_ = json.Unmarshal(s.log[i].Data, &w) // the engine wrote it
			break
		}
	}
	return w
}

// until is when the run goes on by itself.
func (s *story) until() (time.Time, bool) {
	w := s.waiting()
	if w.Until == nil {
		return time.Time{}, false
	}
	return *w.Until, true
}
