package agenttest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// firstCrash is the first entry that a node can die of: run.started.
const firstCrash = 3

// EveryCrash runs the agent unhindered, and then once for every entry of that log, with the node dying
// after it. It fails the test at the first one whose end (status, result, code and message
// of the failure) is another, or where something that was recorded was done again.
//
// The agent's functions run many times over: what they touch outside must bear it, as it
// must in the real world. A result that differs from run to run by nature needs Compare.
func EveryCrash[In, Out any](t *testing.T, a *agent.Agent[In, Out], in In, opts ...Option) {
	t.Helper()
	o := collect(t, opts)
	if len(o.crashes) > 0 {
		t.Fatal("agenttest.EveryCrash: it crashes after every entry by itself: leave out CrashAfter")
	}
	raw := encodeInput(t, in)
	undisturbed := runIn(t, a, raw, o)
	undisturbed.check(t, o)
	want := outcomeOf[Out](t, undisturbed)
	for n := firstCrash; n < len(undisturbed.log); n++ {
		crashing := *o
		crashing.crashes = []int{n}
		s := runIn(t, a, raw, &crashing)
		if len(s.survived) > 0 {
			continue // this time the log was shorter: texts were gathered in fewer entries
		}
		if trouble := outcomeOf[Out](t, s).differs(want, s.log, o.compare); trouble != "" {
			t.Fatalf("agent %s, with its node dying after entry %d (%s): %s\nits log:\n%s",
				a.Name(), n, describe(s.log, n), trouble, s.log)
		}
	}
}

// runIn is runOnce in virtual time, a bubble for each run.
func runIn(t *testing.T, a agent.Runnable, in json.RawMessage, o *options) (s *story) {
	t.Helper()
	bubble(t, o.realTime, func(t *testing.T) { s = runOnce(t, a, in, o) })
	return s
}

// outcome is what must not depend on a crash.
type outcome[Out any] struct {
	Status  reeve.Status
	Output  Out
	Code    reeve.Code
	Message string
}

func outcomeOf[Out any](t *testing.T, s *story) outcome[Out] {
	t.Helper()
	r := result[Out](t, s)
	o := outcome[Out]{Status: r.Status, Output: r.Output}
	if s.run.Error != nil {
		o.Code, o.Message = s.run.Error.Code, s.run.Error.Message
	}
	return o
}

// differs says what is wrong with a run whose node died, "" for nothing.
func (o outcome[Out]) differs(want outcome[Out], log Log, compare cmp.Options) string {
	if again := log.twice(); len(again) > 0 {
		return "what was recorded was done again: " + strings.Join(again, ", ")
	}
	if diff := cmp.Diff(want, o, compare, cmp.Exporter(everyField)); diff != "" {
		return fmt.Sprintf("it ended otherwise (- undisturbed, + after the crash):\n%s", diff)
	}
	return ""
}

// everyField lets results with unexported fields be compared too.
func everyField(reflect.Type) bool { return true }

func describe(l Log, n int) string {
	if n > len(l) {
		return "none"
	}
	e := l[n-1]
	if e.Path == "" {
		return string(e.Kind)
	}
	return string(e.Kind) + " " + e.Path
}
