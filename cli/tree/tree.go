package tree

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// maxText is how much of a stream's end is kept, in bytes.
const maxText = 4 << 10

// Tree is one run's tree.
type Tree struct {
	root    *node
	nodes   map[string]*node
	attempt int
}

// New is the tree of a run of which nothing is known but its agent.
func New(agent string) *Tree {
	return &Tree{root: &node{label: agent, agent: true}, nodes: map[string]*node{}}
}

// Add tells the tree of the run's next entry.
func (t *Tree) Add(e reeve.Entry) {
	switch e.Kind {
	case reeve.KindRunQueued, reeve.KindRunStarted, reeve.KindRunResumed, reeve.KindRunWaiting, reeve.KindRunHanded,
		reeve.KindRunStalled, reeve.KindCancelRequested:
		t.addRun(e)
	case reeve.KindRunCompleted, reeve.KindRunFailed, reeve.KindRunCancelled:
		t.addEnd(e)
	case reeve.KindAgentCalled, reeve.KindAgentReturned:
		t.addAgent(e)
	case reeve.KindStepCompleted, reeve.KindStepFailed:
		t.addStep(e)
	case reeve.KindAskOpened, reeve.KindAskAnswered, reeve.KindTimerSet:
		t.addWait(e)
	case reeve.KindTextAppended:
		t.addText(e)
	}
}

// data reads an entry's data; what cannot be read is the zero value.
func data[T any](e reeve.Entry) T {
	var v T
	if json.Unmarshal(e.Data, &v) != nil {
		var zero T
		return zero
	}
	return v
}

func (t *Tree) addRun(e reeve.Entry) {
	r := t.root
	switch e.Kind {
	case reeve.KindRunQueued:
		r.state, r.began, r.note = Queued, latest(r.began, e.At), ""
	case reeve.KindRunStarted:
		t.start(e)
	case reeve.KindRunResumed:
		r.state, r.note = Running, ""
	case reeve.KindRunWaiting:
		r.state, r.note = Waiting, "waits without a node"
	case reeve.KindRunHanded:
		r.note = "handed on: " + data[reeve.RunHanded](e).Reason
	case reeve.KindRunStalled:
		s := data[reeve.RunStalled](e)
		t.at(e.Path).note = fmt.Sprintf("stalled: no sign of life for %s", Brief(time.Duration(s.SilentMS)*time.Millisecond))
	case reeve.KindCancelRequested:
		r.note = "cancelling"
	}
}

// start is a first start or a takeover, whose readers drop what had not ended.
func (t *Tree) start(e reeve.Entry) {
	r := t.root
	if r.state == Queued {
		r.began = e.At
	}
	r.state, r.note = Running, ""
	if t.attempt = max(e.Attempt, data[reeve.RunStarted](e).Attempt); t.attempt > 1 {
		r.note = fmt.Sprintf("attempt %d", t.attempt)
	}
	r.text = ""
	for _, n := range t.nodes {
		n.text = ""
	}
}

func (t *Tree) addEnd(e reeve.Entry) {
	states := map[reeve.Kind]State{
		reeve.KindRunCompleted: Done, reeve.KindRunFailed: Failed, reeve.KindRunCancelled: Cancelled,
	}
	for _, n := range t.nodes {
		if n.state.ended() {
			continue
		}
		// What the log never finished ended with its run; a sleep or a step of a completed run had
		// its time.
		state := Cancelled
		if e.Kind == reeve.KindRunCompleted {
			state = Done
		}
		n.state, n.ended, n.text = state, e.At, ""
	}
	t.root.note = ""
	if e.Kind == reeve.KindRunFailed {
		t.root.note = data[reeve.Failure](e).Message
	}
	t.end(t.root, states[e.Kind], e.At)
}

func (t *Tree) addAgent(e reeve.Entry) {
	n := t.at(e.Path)
	n.agent = true
	if e.Kind == reeve.KindAgentCalled {
		n.state, n.note = Running, ""
		n.began = e.At
		return
	}
	n.note = ""
	if failure := data[reeve.AgentReturned](e).Error; failure != nil {
		n.note = failure.Message
		t.end(n, Failed, e.At)
		return
	}
	t.end(n, Done, e.At)
}

func (t *Tree) addStep(e reeve.Entry) {
	n := t.at(e.Path)
	if e.Kind == reeve.KindStepCompleted {
		n.note = ""
		if e.Try > 1 {
			n.note = fmt.Sprintf("try %d", e.Try)
		}
		t.end(n, Done, e.At)
		return
	}
	failed := data[reeve.StepFailed](e)
	n.text = ""
	n.note = fmt.Sprintf("try %d: %s", max(1, e.Try), failed.Message)
	if failed.Final {
		t.end(n, Failed, e.At)
	}
}

func (t *Tree) addWait(e reeve.Entry) {
	n := t.at(e.Path)
	switch e.Kind {
	case reeve.KindAskOpened:
		n.state, n.began = Waiting, e.At
		n.note = "asks: " + data[reeve.AskOpened](e).Text
	case reeve.KindAskAnswered:
		n.note = ""
		t.end(n, Done, e.At)
	case reeve.KindTimerSet:
		n.state, n.began = Waiting, e.At
		n.until = data[reeve.TimerSet](e).Until
	}
}

func (t *Tree) addText(e reeve.Entry) {
	if e.Attempt < t.attempt {
		return
	}
	n := t.at(e.Path)
	text := data[reeve.TextAppended](e)
	if text.Offset == 0 {
		n.text = ""
	}
	n.text += text.Text
	if over := len(n.text) - maxText; over > 0 {
		for over < len(n.text) && !utf8.RuneStart(n.text[over]) {
			over++
		}
		n.text = n.text[over:]
	}
}

// Live tells what a server says of the moment: which step an agent is in is in no entry before the
// step has ended.
func (t *Tree) Live(why wire.Why) {
	if t.root.state.ended() {
		return
	}
	for _, a := range why.Agents {
		t.at(a.Path).agent = true
		if a.Doing != "step" || a.What == "" || strings.HasPrefix(a.Path, a.What) {
			continue
		}
		if n, known := t.nodes[a.What]; known && n.state.ended() {
			continue // told by an entry that came meanwhile
		}
		n := t.at(a.What)
		n.state, n.began = Running, a.Since
		if a.Try > 1 && n.note == "" {
			n.note = fmt.Sprintf("try %d", a.Try)
		}
	}
}

// Ended says whether the run has ended.
func (t *Tree) Ended() bool { return t.root.state.ended() }

// settle lets sleeps whose time has come be over.
func (t *Tree) settle(now time.Time) {
	for _, n := range t.nodes {
		if n.state == Waiting && !n.until.IsZero() && !now.Before(n.until) {
			t.end(n, Done, n.until)
		}
	}
}
