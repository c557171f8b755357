package agenttest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
)

// Result is how a run came out.
type Result[Out any] struct {
	// Status is completed, failed, cancelled, or waiting when the run waits for an answer that no
	// option gives.
	Status reeve.Status
	// Output is the result of a completed run, as its JSON says; otherwise the zero value.
	Output Out
	// Err is nil when the run completed. Of a failed run it has the code (reeve.CodeOf); of a
	// cancelled one it is agent.ErrCancelled; of a waiting one it says what is missing.
	Err error
	// Attempts is 1, and one more for each node that died with the run.
	Attempts int
	// Took is how long the run took on the clock it ran on, which is virtual without RealTime.
	Took time.Duration

	log Log
}

// Log is the run's entries.
func (r *Result[Out]) Log() Log { return r.log }

// Text is what was emitted at the path of a step (by its last try) or of a body ("" is the
// run's own).
func (r *Result[Out]) Text(path string) string {
	var text strings.Builder
	try := 0
	for _, e := range r.log {
		if e.Kind != reeve.KindTextAppended || e.Path != path {
			continue
		}
		var a reeve.TextAppended
		if err := json.Unmarshal(e.Data, &a); err != nil {
			continue // not ours: it is in the log for who wants to see it
		}
		// Another try, or the same one in another attempt, starts from nothing.
		if e.Try != try || int64(text.Len()) > a.Offset {
			text.Reset()
			try = e.Try
		}
		text.WriteString(a.Text)
	}
	return text.String()
}

// Steps is the paths of the completed steps, in the order of the log. Those of parallel
// branches come in the order in which they were done.
func (r *Result[Out]) Steps() []string {
	var paths []string
	for _, e := range r.log {
		if e.Kind == reeve.KindStepCompleted {
			paths = append(paths, e.Path)
		}
	}
	return paths
}
