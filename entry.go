package reeve

import (
	"encoding/json"
	"time"
)

// MaxEntry is the largest data of one entry in bytes, unless a server is told otherwise.
const MaxEntry = 4 << 20

// Entry is an immutable fact in a thread's log.
//
// Scope, N and Name are for replay and stay inside: the agent call or parallel
// branch that made the entry, the number of the operation within it (from 1),
// and the operation's name. They are not part of what clients see.
type Entry struct {
	Thread  ThreadID        `json:"thread"`
	Epoch   int64           `json:"epoch"`
	First   int64           `json:"first"` // equal to Seq, unless the entry stands for a merged stretch
	Seq     int64           `json:"seq"`
	Run     RunID           `json:"run,omitempty"`
	Path    string          `json:"path"`
	Kind    Kind            `json:"kind"`
	Attempt int             `json:"attempt,omitempty"`
	Try     int             `json:"try,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	At      time.Time       `json:"at"`

	Scope string `json:"-"`
	N     int    `json:"-"`
	Name  string `json:"-"`
}

// Kind is what an entry tells, as noun.pastverb. A reader passes on kinds it does not know.
type Kind string

// The kinds of entries.
const (
	KindMessageAdded    Kind = "message.added"
	KindRunQueued       Kind = "run.queued"
	KindRunStarted      Kind = "run.started"
	KindRunHanded       Kind = "run.handed"
	KindRunWaiting      Kind = "run.waiting"
	KindRunResumed      Kind = "run.resumed"
	KindRunStalled      Kind = "run.stalled"
	KindRunCompleted    Kind = "run.completed"
	KindRunFailed       Kind = "run.failed"
	KindRunCancelled    Kind = "run.cancelled"
	KindAgentCalled     Kind = "agent.called"
	KindAgentReturned   Kind = "agent.returned"
	KindStepCompleted   Kind = "step.completed"
	KindStepFailed      Kind = "step.failed"
	KindTextAppended    Kind = "text.appended"
	KindAskOpened       Kind = "ask.opened"
	KindAskAnswered     Kind = "ask.answered"
	KindTimerSet        Kind = "timer.set"
	KindCancelRequested Kind = "cancel.requested"
)

// Ends says whether the kind ends its run.
func (k Kind) Ends() bool {
	return k == KindRunCompleted || k == KindRunFailed || k == KindRunCancelled
}

// The data of entries, by kind. A kind that is not here has no data, but for two:
// step.completed carries the step's result itself, as JSON, and run.failed a Failure.
// The result of a completed run is the message before run.completed.
type (
	// MessageAdded is the data of message.added.
	MessageAdded struct {
		Role    Role            `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	// RunQueued is the data of run.queued.
	RunQueued struct {
		Agent string `json:"agent"`
		Retry bool   `json:"retry,omitempty"` // it failed before and goes on from where it stands
	}
	// RunStarted is the data of run.started.
	RunStarted struct {
		Attempt int `json:"attempt"`
	}
	// RunWaiting is the data of run.waiting: what every branch waits for.
	RunWaiting struct {
		For   []Waiting  `json:"for"`
		Until *time.Time `json:"until,omitempty"` // when it goes on by itself, if it does
	}
	// Waiting is one thing a run waits for.
	Waiting struct {
		Path  string     `json:"path"`
		What  string     `json:"what"` // "ask" or "sleep"
		Until *time.Time `json:"until,omitempty"`
	}
	// RunHanded is the data of run.handed.
	RunHanded struct {
		Reason string `json:"reason"`
	}
	// RunStalled is the data of run.stalled: no sign of life beyond the bound.
	RunStalled struct {
		Reason   string `json:"reason"`
		SilentMS int64  `json:"silent_ms"`
		BoundMS  int64  `json:"bound_ms"`
	}
	// AgentCalled is the data of agent.called.
	AgentCalled struct {
		Agent  string          `json:"agent"`
		Input  json.RawMessage `json:"input"`
		Branch bool            `json:"branch,omitempty"` // beside its caller
		Until  *time.Time      `json:"until,omitempty"`  // when its timeout passes
	}
	// AgentReturned is the data of agent.returned: a result or an error. Again: it is
	// tried again, without what it failed of.
	AgentReturned struct {
		Result json.RawMessage `json:"result,omitempty"`
		Error  *Failure        `json:"error,omitempty"`
		Again  bool            `json:"again,omitempty"`
	}
	// StepFailed is the data of step.failed. Final: there will be no further try.
	StepFailed struct {
		Failure
		Final   bool       `json:"final"`
		RetryAt *time.Time `json:"retry_at,omitempty"`
	}
	// TextAppended is the data of text.appended; Offset counts bytes of the path's text. A reader
	// that sees a higher attempt or try, or a lower offset, cuts what it has of that path at Offset.
	TextAppended struct {
		Offset int64  `json:"offset"`
		Text   string `json:"text"`
	}
	// AskOpened is the data of ask.opened.
	AskOpened struct {
		Text     string          `json:"text"`
		Deadline *time.Time      `json:"deadline,omitempty"`
		Default  json.RawMessage `json:"default,omitempty"`
	}
	// AskAnswered is the data of ask.answered. By is "client", "deadline" (the question's
	// own) or "timeout" (a bound of the agent around it).
	AskAnswered struct {
		Value json.RawMessage `json:"value,omitempty"`
		By    string          `json:"by"`
	}
	// TimerSet is the data of timer.set: the absolute end of a sleep.
	TimerSet struct {
		Until time.Time `json:"until"`
	}
	// CancelRequested is the data of cancel.requested.
	CancelRequested struct {
		Reason string `json:"reason,omitempty"`
	}
)
