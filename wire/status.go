package wire

import (
	"time"

	"github.com/reeve-run/reeve"
)

// Health is the body of GET /health.
type Health struct {
	Status  string           `json:"status"` // "healthy" or "unhealthy"
	Version string           `json:"version,omitempty"`
	Checks  map[string]Check `json:"checks,omitempty"`
}

// Check is one thing that /health looks at.
type Check struct {
	OK     bool              `json:"ok"`
	Reason string            `json:"reason,omitempty"` // why not, and what to do
	Info   map[string]string `json:"info,omitempty"`
}

// Agent is one agent that this server has.
type Agent struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Paused  bool   `json:"paused"`
	Running int    `json:"running"` // runs of it in flight on this node
}

// Why says where a run stands and what it waits for. Stacks are for operators only.
type Why struct {
	Run     reeve.RunID   `json:"run"`
	Status  reeve.Status  `json:"status"`
	Summary string        `json:"summary"` // one plain sentence
	Node    reeve.NodeID  `json:"node,omitempty"`
	Agents  []AgentState  `json:"agents,omitempty"` // the live tree, parents first
	Cancel  *time.Time    `json:"cancel_requested_at,omitempty"`
	Beats   []reeve.Beat  `json:"beats,omitempty"`
	Ahead   []reeve.RunID `json:"ahead,omitempty"` // runs of the thread that come first
}

// AgentState is one live agent of a run's tree.
type AgentState struct {
	Path      string     `json:"path"`
	Agent     string     `json:"agent"`
	Doing     string     `json:"doing"`          // "step", "pause", "call", "ask", "sleep", "commit", "lease", "body"
	What      string     `json:"what,omitempty"` // the path of the step, call or question
	Since     time.Time  `json:"since"`
	ElapsedMS int64      `json:"elapsed_ms"`
	Until     *time.Time `json:"until,omitempty"`
	Try       int        `json:"try,omitempty"`
	Units     int        `json:"units"` // database units it holds open
	Stalled   bool       `json:"stalled,omitempty"`
	Stack     string     `json:"stack,omitempty"`
}
