package reeve

import (
	"encoding/json"
	"slices"
	"time"
)

// Status is where a run stands.
type Status string

// The statuses of a run. Completed, failed and cancelled are ends.
const (
	StatusQueued    Status = "queued"
	StatusRunning   Status = "running"
	StatusWaiting   Status = "waiting"
	StatusCompleted Status = "completed"
	StatusFailed    Status = "failed"
	StatusCancelled Status = "cancelled"
)

// Statuses lists every status, in the order of a run's life.
var Statuses = []Status{StatusQueued, StatusRunning, StatusWaiting, StatusCompleted, StatusFailed, StatusCancelled}

var transitions = map[Status][]Status{
	StatusQueued:  {StatusRunning, StatusCancelled, StatusFailed},
	StatusRunning: {StatusWaiting, StatusCompleted, StatusFailed, StatusCancelled},
	StatusWaiting: {StatusRunning, StatusCancelled, StatusFailed},
	StatusFailed:  {StatusQueued}, // a retry
}

// Ended says whether the status is an end.
func (s Status) Ended() bool {
	return s == StatusCompleted || s == StatusFailed || s == StatusCancelled
}

// Valid says whether s is a status at all.
func (s Status) Valid() bool { return slices.Contains(Statuses, s) }

// May says whether a run may go from s to next. A running run may stay running:
// that is a takeover.
func (s Status) May(next Status) bool {
	if s == StatusRunning && next == StatusRunning {
		return true
	}
	return slices.Contains(transitions[s], next)
}

// Run is one execution of an agent on a thread. It is a projection of the log,
// written in the same commit as the entries it reflects.
type Run struct {
	ID         RunID           `json:"id"`
	Thread     ThreadID        `json:"thread"`
	Owner      string          `json:"-"`
	Agent      string          `json:"agent"`
	Version    string          `json:"version,omitempty"`
	Status     Status          `json:"status"`
	Input      json.RawMessage `json:"input"`
	Result     json.RawMessage `json:"result,omitempty"`
	Error      *Failure        `json:"error,omitempty"`
	Attempt    int             `json:"attempt"`
	FirstSeq   int64           `json:"first_seq"`
	LastSeq    int64           `json:"last_seq,omitempty"` // its last entry, once it has ended
	CreatedAt  time.Time       `json:"created_at"`
	StartedAt  *time.Time      `json:"started_at,omitempty"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
}

// Failure is an error as the log keeps it: a stable code and a text for people.
// Paths are the steps and agents it came from, innermost first, where known.
type Failure struct {
	Code    Code     `json:"code"`
	Message string   `json:"message"`
	Paths   []string `json:"paths,omitempty"`
}

// OnBusy says what happens to a run that is started on a thread that has one
// which has not ended.
type OnBusy string

// The answers to a busy thread.
const (
	Enqueue   OnBusy = "enqueue"   // wait for its turn; the default
	Reject    OnBusy = "reject"    // refuse with CodeBusy
	Interrupt OnBusy = "interrupt" // cancel what is there, then take its turn
)

// ParseOnBusy reads on_busy as a client sends it; empty is Enqueue. The error has CodeInvalid.
func ParseOnBusy(s string) (OnBusy, error) {
	switch b := OnBusy(s); b {
	case "":
		return Enqueue, nil
	case Enqueue, Reject, Interrupt:
		return b, nil
	}
	return "", Errorf(CodeInvalid, "on_busy %q: want enqueue, reject or interrupt", s)
}
