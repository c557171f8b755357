package reeve

import (
	"encoding/json"
	"time"
)

// Thread is a durable conversation. It owns one log; at most one run holds it
// at a time.
type Thread struct {
	ID        ThreadID        `json:"id"`
	Owner     string          `json:"-"`
	Title     string          `json:"title,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Epoch     int64           `json:"epoch"`
	FirstSeq  int64           `json:"first_seq"` // the first entry that can still be read; above LastSeq when there is none
	LastSeq   int64           `json:"last_seq"`  // 0 before the first entry
	CreatedAt time.Time       `json:"created_at"`
}

// Message is what a person or an agent said on a thread: the data of
// message.added, with its position.
type Message struct {
	Seq     int64           `json:"seq"`
	Run     RunID           `json:"run,omitempty"`
	Role    Role            `json:"role"`
	Content json.RawMessage `json:"content"`
	At      time.Time       `json:"at"`
}

// Role says who spoke.
type Role string

// The roles of a message: the input of a run is the user's, its result the agent's.
const (
	RoleUser  Role = "user"
	RoleAgent Role = "agent"
)

// Beat is the three signs of life of one agent of a run's tree, as ages in
// milliseconds; -1 where there is nothing to hear.
type Beat struct {
	Run      RunID  `json:"run"`
	Path     string `json:"path"`
	NodeMS   int64  `json:"node_ms"`   // since the node's lease was last renewed
	AgentMS  int64  `json:"agent_ms"`  // since the agent last finished a step, beat or emitted
	StreamMS int64  `json:"stream_ms"` // since the model or tool stream last gave something
}
