package agenttest

import (
	"encoding/json"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// Run runs the agent once, on a thread of its own, until the run has ended or waits for
// what no option brings. It fails the test only for wrong use.
func Run[In, Out any](t *testing.T, a *agent.Agent[In, Out], in In, opts ...Option) *Result[Out] {
	t.Helper()
	o := collect(t, opts)
	raw := encodeInput(t, in)
	var story *story
	bubble(t, o.realTime, func(t *testing.T) {
		story = runOnce(t, a, raw, o)
	})
	story.check(t, o)
	return result[Out](t, story)
}

func encodeInput(t *testing.T, in any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatalf("agenttest: the input is not JSON: %v", err)
	}
	return raw
}

// runOnce tells the whole story of one run.
func runOnce(t *testing.T, a agent.Runnable, in json.RawMessage, o *options) *story {
	t.Helper()
	w := newWorld(t, a, o)
	defer w.close()
	w.earlier()
	w.accept(in)
	w.drive()
	return w.story()
}

// result reads the story as the author's types.
func result[Out any](t *testing.T, s *story) *Result[Out] {
	t.Helper()
	r := &Result[Out]{Status: s.run.Status, Attempts: s.run.Attempt, Took: s.took, log: s.log, Err: s.err()}
	if r.Status == reeve.StatusCompleted && len(s.run.Result) > 0 {
		if err := json.Unmarshal(s.run.Result, &r.Output); err != nil {
			t.Fatalf("agenttest: the result %s does not fit %T: %v", s.run.Result, r.Output, err)
		}
	}
	return r
}
