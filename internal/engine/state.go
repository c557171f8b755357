package engine

import (
	"time"

	"github.com/reeve-run/reeve"
)

// State is what one live agent of an execution's tree does just now.
type State struct {
	Path    string
	Agent   string
	Doing   Doing
	What    string        // the path of the step, call or question; "" in the body
	Since   time.Time     // when it began to do that
	Sign    time.Time     // its last sign of life: an operation begun or finished, a Beat, an Emit
	Stream  time.Time     // its last Emit; zero for none
	Until   time.Time     // of a sleep or a question's deadline; zero for none
	Stall   time.Duration // silence that is a stall; 0 where silence is right (waiting)
	Try     int
	Attempt int
	Units   int       // database units open on its behalf
	Ended   time.Time // when the run's context ended (cancelled, let go); zero while it lives
}

// Doing is what an agent is occupied with.
type Doing string

// What an agent can be doing.
const (
	InBody  Doing = "body"   // in the author's code, outside of an operation
	InStep  Doing = "step"   // in the function of a step
	InPause Doing = "pause"  // between two tries
	InCall  Doing = "call"   // waits for an agent that it called
	InAsk   Doing = "ask"    // waits for a person
	InSleep Doing = "sleep"  // waits for a time
	InWrite Doing = "commit" // waits for the log
	InLease Doing = "lease"  // waits for the node's lease
)

// Labels of goroutines: those of an execution carry them.
const (
	LabelRun  = "reeve_run"
	LabelPath = "reeve_path"
)

// Silent is how long the agent has given no sign of life.
func (s State) Silent(now time.Time) time.Duration { return now.Sub(s.Sign) }

// Stalled says whether the silence is beyond the bound.
func (s State) Stalled(now time.Time) bool { return s.Stall > 0 && s.Silent(now) > s.Stall }

// Beat is the state as a client sees it; node is the age of the node's lease.
func (s State) Beat(run reeve.RunID, now time.Time, node time.Duration) reeve.Beat {
	b := reeve.Beat{Run: run, Path: s.Path, NodeMS: node.Milliseconds(), AgentMS: s.Silent(now).Milliseconds(), StreamMS: -1}
	if !s.Stream.IsZero() {
		b.StreamMS = now.Sub(s.Stream).Milliseconds()
	}
	return b
}
