package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// Start says what to start.
type Start struct {
	Agent  string
	Input  json.RawMessage // null when empty
	Thread reeve.ThreadID  // "" for a new one
	OnBusy reeve.OnBusy    // for a thread that has a run already; Enqueue unless told
	Key    string          // the same key starts the run once, however often it is sent
	Wait   time.Duration   // answer when the run has ended, or after this time; at most a minute
}

// Start starts a run. Errors of the server: CodeAgentUnknown, CodeBusy, CodeKeyReused, CodeNotFound
// for the thread, CodeTooLarge, CodeInvalid.
func (c *Client) Start(ctx context.Context, s Start) (reeve.Run, error) {
	r := request{
		method: http.MethodPost, path: []string{"v1", "runs"}, key: s.Key, wait: s.Wait, query: waitQuery(s.Wait),
		body: wire.StartRun{Agent: s.Agent, Input: s.Input, OnBusy: string(s.OnBusy)},
	}
	if s.Thread != "" {
		r.path = []string{"v1", "threads", string(s.Thread), "runs"}
	}
	return fetch[reeve.Run](ctx, c, r)
}

// Run shows a run.
func (c *Client) Run(ctx context.Context, id reeve.RunID) (reeve.Run, error) {
	return c.Await(ctx, id, 0)
}

// Await shows a run when it has ended, or as it stands after the wait: at most a minute.
func (c *Client) Await(ctx context.Context, id reeve.RunID, wait time.Duration) (reeve.Run, error) {
	return fetch[reeve.Run](ctx, c, request{method: http.MethodGet, path: runPath(id), wait: wait, query: waitQuery(wait)})
}

// RunQuery says which runs to list; zero fields let all pass.
type RunQuery struct {
	Thread        reeve.ThreadID
	Status        reeve.Status
	Agent         string
	CreatedBefore time.Time
	Limit         int    // 100 unless told, at most 1,000
	Cursor        string // the Next of the page before
}

// Runs lists a page of runs, newest first.
func (c *Client) Runs(ctx context.Context, q RunQuery) (wire.Runs, error) {
	r := request{method: http.MethodGet, path: []string{"v1", "runs"}, query: pageQuery(q.Limit, q.Cursor)}
	if q.Thread != "" {
		r.path = []string{"v1", "threads", string(q.Thread), "runs"}
	}
	set(r.query, "status", string(q.Status))
	set(r.query, "agent", q.Agent)
	if !q.CreatedBefore.IsZero() {
		r.query.Set("created_before", q.CreatedBefore.Format(time.RFC3339Nano))
	}
	return fetch[wire.Runs](ctx, c, r)
}

// Cancel asks a run to end and gives it as it stands: it is cancelled when every agent of its tree
// has returned. One that has ended is CodeConflict.
func (c *Client) Cancel(ctx context.Context, id reeve.RunID, reason string) (reeve.Run, error) {
	return fetch[reeve.Run](ctx, c, request{method: http.MethodPost, path: runPath(id, "cancel"), body: wire.CancelRun{Reason: reason}})
}

// Answer answers the question at a path. One that is closed already is CodeConflict.
func (c *Client) Answer(ctx context.Context, id reeve.RunID, ask string, value json.RawMessage) (wire.Answered, error) {
	return fetch[wire.Answered](ctx, c, request{method: http.MethodPost, path: runPath(id, "answer"), body: wire.AnswerAsk{Ask: ask, Value: value}})
}

// Retry starts a failed run again from where it stands. Any other is CodeConflict.
func (c *Client) Retry(ctx context.Context, id reeve.RunID) (reeve.Run, error) {
	return fetch[reeve.Run](ctx, c, request{method: http.MethodPost, path: runPath(id, "retry"), body: wire.Nothing{}})
}

// Why says what a run waits for. It is for operators: CodeForbidden for others.
func (c *Client) Why(ctx context.Context, id reeve.RunID) (wire.Why, error) {
	return fetch[wire.Why](ctx, c, request{method: http.MethodGet, path: runPath(id, "why")})
}

func runPath(id reeve.RunID, more ...string) []string {
	return append([]string{"v1", "runs", string(id)}, more...)
}

func waitQuery(wait time.Duration) url.Values {
	q := url.Values{}
	if wait > 0 {
		q.Set("wait", wait.String())
	}
	return q
}

func pageQuery(limit int, cursor string) url.Values {
	q := url.Values{}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	set(q, "cursor", cursor)
	return q
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}
