package sqlite

import (
	"fmt"

	"github.com/reeve-run/reeve"
)

// status is a run's status as the rows keep it. The numbers are part of the schema.
type status int64

const (
	queued status = iota
	running
	waiting
	completed
	failed
	cancelled
)

var statusNames = [...]reeve.Status{
	queued: reeve.StatusQueued, running: reeve.StatusRunning, waiting: reeve.StatusWaiting,
	completed: reeve.StatusCompleted, failed: reeve.StatusFailed, cancelled: reeve.StatusCancelled,
}

func (s status) name() reeve.Status {
	if s < 0 || int(s) >= len(statusNames) {
		return reeve.Status(fmt.Sprintf("status-%d", s)) // written by a newer program
	}
	return statusNames[s]
}

func (s status) ended() bool { return s >= completed }

// statusOf is the number of a name; ok is false when there is no such status.
func statusOf(name reeve.Status) (s status, ok bool) {
	for i, n := range statusNames {
		if n == name {
			return status(i), true
		}
	}
	return 0, false
}
