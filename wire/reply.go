package wire

import (
	"encoding/json"

	"github.com/reeve-run/reeve"
)

// Frames from the server. Sub is the id of the start or follow that they belong to.
type (
	// Hello is the first frame on every socket.
	Hello struct {
		Type     string `json:"type"`
		Version  string `json:"version,omitempty"` // the server's; left out before auth
		Protocol int    `json:"protocol"`
		Limits   Limits `json:"limits"`
	}
	// Accepted answers a start. Seq is the position before the run's first entry: following
	// the run with after = Seq gives all of it.
	Accepted struct {
		Type   string         `json:"type"`
		ID     ID             `json:"id"`
		Run    reeve.RunID    `json:"run"`
		Thread reeve.ThreadID `json:"thread"`
		Seq    int64          `json:"seq"`
	}
	// OK answers an auth, follow, unfollow, cancel or answer.
	OK struct {
		Type string `json:"type"`
		ID   ID     `json:"id,omitempty"`
	}
	// Entry brings one entry.
	Entry struct {
		Type  string      `json:"type"`
		Sub   ID          `json:"sub"`
		Entry reeve.Entry `json:"entry"`
	}
	// Live says that the past has been told, up to Seq.
	Live struct {
		Type string `json:"type"`
		Sub  ID     `json:"sub"`
		Seq  int64  `json:"seq"`
	}
	// Beat is the signs of life of one agent of a followed run.
	Beat struct {
		Type string `json:"type"`
		Sub  ID     `json:"sub"`
		reeve.Beat
	}
	// Reset ends a follow whose position cannot be served; see ResetError.
	Reset struct {
		Type   string      `json:"type"`
		Sub    ID          `json:"sub"`
		Reason ResetReason `json:"reason"`
		First  int64       `json:"first"`
		Epoch  int64       `json:"epoch"`
	}
	// Pong answers a ping.
	Pong struct {
		Type string `json:"type"`
		ID   ID     `json:"id,omitempty"`
	}
	// Error answers a frame that was refused, or says why the socket is about to close.
	Error struct {
		Type    string  `json:"type"`
		ID      ID      `json:"id,omitempty"`
		Problem Problem `json:"problem"`
	}
)

// The types of frames from the server.
const (
	TypeHello    = "hello"
	TypeAccepted = "accepted"
	TypeOK       = "ok"
	TypeEntry    = "entry"
	TypeLive     = "live"
	TypeBeat     = "beat"
	TypeReset    = "reset"
	TypePong     = "pong"
	TypeError    = "error"
)

// CloseCode is why the server closed a socket (RFC 6455, section 7.4).
type CloseCode uint16

// The codes that the server closes with. A client follows again from its last
// position after CloseGoingAway and CloseSlowReader; the others need a change first.
const (
	CloseNormal     CloseCode = 1000
	CloseGoingAway  CloseCode = 1001 // the server stops
	CloseProtocol   CloseCode = 1002 // a frame that RFC 6455 does not allow
	CloseBroken     CloseCode = 1007 // a text message was not valid UTF-8
	ClosePolicy     CloseCode = 1008 // no auth frame, or a wrong token
	CloseTooLarge   CloseCode = 1009 // a message over Limits.FrameBytes
	CloseInternal   CloseCode = 1011 // a fault of reeve
	CloseSlowReader CloseCode = 1013 // too much waited for the client to read
)

// Encode writes a frame or body. It never fails for the types of this package.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal(Error{Type: TypeError, Problem: ProblemOf(err)})
	}
	return b
}
