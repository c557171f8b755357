package agenttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Option changes how an agent is run.
type Option func(*options)

type options struct {
	crashes     []int // entries of the run, rising
	answers     map[string]answer
	earlier     []turn
	cancelAfter int
	cancelIn    time.Duration
	realTime    bool
	compare     cmp.Options
	wrong       []string // what the options themselves say that cannot be
}

type answer struct {
	value json.RawMessage
	after time.Duration
}

type turn struct{ input, result json.RawMessage }

// CrashAfter lets the node die when the run's log has reached that many entries; another takes
// over. Several entries are several deaths. Entries are counted as Result.Log shows
// them, from 1; the first two (the input and its queueing) are written before any node has the run. What one
// commit writes together is not torn: the death comes after it.
func CrashAfter(entries ...int) Option {
	return func(o *options) {
		for _, n := range entries {
			if n < 1 {
				o.wrong = append(o.wrong, fmt.Sprintf("CrashAfter(%d): entries are counted from 1", n))
			}
		}
		o.crashes = append(o.crashes, entries...)
		slices.Sort(o.crashes)
	}
}

// Answer answers the question at the path as soon as it is opened. The path of a question in the agent's
// own body is its name; below that, it is what Result.Log shows.
func Answer(path string, value any) Option { return AnswerAfter(path, 0, value) }

// AnswerAfter is Answer when so much time has passed since the question was opened.
func AnswerAfter(path string, d time.Duration, value any) Option {
	return func(o *options) {
		if o.answers == nil {
			o.answers = map[string]answer{}
		}
		o.answers[path] = answer{value: o.encode("answer to "+path, value), after: d}
	}
}

// Earlier puts an earlier run on the thread: a message of the user, and the agent's answer. It may be
// given several times, the oldest first.
func Earlier(input, result any) Option {
	return func(o *options) {
		o.earlier = append(o.earlier, turn{o.encode("input of an earlier run", input), o.encode("result of an earlier run", result)})
	}
}

// CancelAfter asks the run to end when its log has reached that many entries.
func CancelAfter(entry int) Option {
	return func(o *options) {
		if entry < 1 {
			o.wrong = append(o.wrong, fmt.Sprintf("CancelAfter(%d): entries are counted from 1", entry))
		}
		o.cancelAfter = entry
	}
}

// CancelIn asks the run to end when so much time has passed since its start.
func CancelIn(d time.Duration) Option { return func(o *options) { o.cancelIn = d } }

// RealTime runs on the clock of the machine, for agents that talk to real servers: a Sleep then
// takes as long as it says.
func RealTime() Option { return func(o *options) { o.realTime = true } }

// Compare tells EveryCrash how to compare results, where equality is too much to ask: of
// values that come from Rand, for example.
func Compare(opts ...cmp.Option) Option {
	return func(o *options) { o.compare = append(o.compare, opts...) }
}

func (o *options) encode(what string, v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		o.wrong = append(o.wrong, fmt.Sprintf("%s is not JSON: %v", what, err))
	}
	return raw
}

func collect(t *testing.T, opts []Option) *options {
	t.Helper()
	o := &options{}
	for _, opt := range opts {
		opt(o)
	}
	if len(o.wrong) > 0 {
		t.Fatalf("agenttest: %s", o.wrong[0])
	}
	return o
}
