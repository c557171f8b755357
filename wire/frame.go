package wire

import (
	"encoding/json"

	"github.com/reeve-run/reeve"
)

// Frames from the client. Each is one JSON object in one text message.
type (
	// Auth is the first frame where a token is needed and the upgrade had none.
	Auth struct {
		Type  string `json:"type"`
		ID    ID     `json:"id,omitempty"`
		Token string `json:"token"`
	}
	// Start starts a run and follows it under the frame's id. Without a thread it makes one.
	Start struct {
		Type   string          `json:"type"`
		ID     ID              `json:"id"`
		Agent  string          `json:"agent"`
		Input  json.RawMessage `json:"input,omitempty"`
		Thread string          `json:"thread,omitempty"`
		OnBusy string          `json:"on_busy,omitempty"`
		Key    string          `json:"key,omitempty"` // as Idempotency-Key
	}
	// Follow follows a thread or a run under the frame's id, from after on; with Epoch the
	// position counts only in that epoch.
	Follow struct {
		Type   string `json:"type"`
		ID     ID     `json:"id"`
		Thread string `json:"thread,omitempty"`
		Run    string `json:"run,omitempty"`
		After  int64  `json:"after"`
		Epoch  *int64 `json:"epoch,omitempty"`
	}
	// Unfollow ends what the frame with this id began. The run goes on.
	Unfollow struct {
		Type string `json:"type"`
		ID   ID     `json:"id"`
	}
	// Cancel asks a run to end.
	Cancel struct {
		Type   string `json:"type"`
		ID     ID     `json:"id,omitempty"`
		Run    string `json:"run"`
		Reason string `json:"reason,omitempty"`
	}
	// Answer answers a question; Ask is its path.
	Answer struct {
		Type  string          `json:"type"`
		ID    ID              `json:"id,omitempty"`
		Run   string          `json:"run"`
		Ask   string          `json:"ask"`
		Value json.RawMessage `json:"value"`
	}
	// Ping asks for a pong.
	Ping struct {
		Type string `json:"type"`
		ID   ID     `json:"id,omitempty"`
	}
)

// The types of frames from the client.
const (
	TypeAuth     = "auth"
	TypeStart    = "start"
	TypeFollow   = "follow"
	TypeUnfollow = "unfollow"
	TypeCancel   = "cancel"
	TypeAnswer   = "answer"
	TypePing     = "ping"
)

// ParseFrame reads a frame from the client and gives a pointer to one of the types above.
// The id is given whenever it can be read, with an error too. The error has
// CodeInvalid or CodeTooLarge. Depth is the deepest nesting, 0 for MaxDepth.
func ParseFrame(data []byte, depth int) (frame any, id ID, err error) {
	if err := CheckText(data, depth); err != nil {
		return nil, "", err
	}
	var head struct {
		Type json.RawMessage `json:"type"`
		ID   json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, "", reeve.Errorf(reeve.CodeInvalid, "want a JSON object")
	}
	if len(head.ID) > 0 {
		if err := id.UnmarshalJSON(head.ID); err != nil {
			return nil, "", err
		}
	}
	frame, err = newFrame(head.Type)
	if err != nil {
		return nil, id, err
	}
	return frame, id, Decode(data, depth, frame)
}

func newFrame(raw json.RawMessage) (any, error) {
	var name string
	if err := json.Unmarshal(raw, &name); err != nil || name == "" {
		return nil, reeve.Errorf(reeve.CodeInvalid, "the frame has no type: want a string in %q", "type")
	}
	switch name {
	case TypeAuth:
		return new(Auth), nil
	case TypeStart:
		return new(Start), nil
	case TypeFollow:
		return new(Follow), nil
	case TypeUnfollow:
		return new(Unfollow), nil
	case TypeCancel:
		return new(Cancel), nil
	case TypeAnswer:
		return new(Answer), nil
	case TypePing:
		return new(Ping), nil
	}
	if len(name) > reeve.MaxName {
		name = name[:reeve.MaxName]
	}
	return nil, reeve.Errorf(reeve.CodeInvalid, "unknown frame type %q", name)
}
