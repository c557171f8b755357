package wire

import (
	"encoding/json"

	"github.com/reeve-run/reeve"
)

// The bodies that a client sends.
type (
	// StartRun is the body of the two POSTs that start a run. OnBusy is for a thread
	// that is there already: "enqueue" (the default), "reject" or "interrupt".
	StartRun struct {
		Agent  string          `json:"agent"`
		Input  json.RawMessage `json:"input,omitempty"`
		OnBusy string          `json:"on_busy,omitempty"`
	}
	// CreateThread is the body of POST /v1/threads.
	CreateThread struct {
		Title    string          `json:"title,omitempty"`
		Metadata json.RawMessage `json:"metadata,omitempty"`
	}
	// CancelRun is the body of POST /v1/runs/{run}/cancel; it may be left out.
	CancelRun struct {
		Reason string `json:"reason,omitempty"`
	}
	// AnswerAsk is the body of POST /v1/runs/{run}/answer. Ask is the question's path.
	AnswerAsk struct {
		Ask   string          `json:"ask"`
		Value json.RawMessage `json:"value"`
	}
	// Nothing is the body of a POST that needs none: empty, or {}.
	Nothing struct{}
)

// The bodies that the server answers with. Next is the cursor of the next page, "" on the last.
type (
	// Threads is a page of threads, newest first.
	Threads struct {
		Threads []reeve.Thread `json:"threads"`
		Next    string         `json:"next,omitempty"`
	}
	// Runs is a page of runs, newest first.
	Runs struct {
		Runs []reeve.Run `json:"runs"`
		Next string      `json:"next,omitempty"`
	}
	// Entries is a stretch of a log. Next is a position, to be given as after.
	Entries struct {
		Entries []reeve.Entry `json:"entries"`
		Next    string        `json:"next,omitempty"`
	}
	// Agents is what this server can run.
	Agents struct {
		Agents []Agent `json:"agents"`
		Next   string  `json:"next,omitempty"`
	}
	// Answered says where in the log an answer stands.
	Answered struct {
		Run reeve.RunID `json:"run"`
		Ask string      `json:"ask"`
		Seq int64       `json:"seq"`
	}
)
