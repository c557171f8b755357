package wire

import "time"

// Protocol is the version of the frames and bodies in this package.
const Protocol = 1

// Limits is what a server takes of one client. It is told in the hello frame.
type Limits struct {
	BodyBytes     int64 `json:"body_bytes"`    // of a request's body
	FrameBytes    int   `json:"frame_bytes"`   // of one frame from the client
	Depth         int   `json:"depth"`         // of JSON, in levels
	KeyBytes      int   `json:"key_bytes"`     // of an Idempotency-Key
	PageEntries   int   `json:"page_entries"`  // the largest limit of a list
	Subscriptions int   `json:"subscriptions"` // starts and follows of one socket at a time
	Starts        int   `json:"starts"`        // starts of one socket on their way at a time
	QueueEntries  int   `json:"queue_entries"` // that wait for a slow reader before it is closed
	QueueBytes    int64 `json:"queue_bytes"`   // likewise
	Sockets       int   `json:"sockets"`       // of the whole server
	Streams       int   `json:"streams"`       // SSE streams and waiting requests of the whole server
	WaitMS        int64 `json:"wait_ms"`       // the longest ?wait
	AuthMS        int64 `json:"auth_ms"`       // for the auth frame to come
	PingMS        int64 `json:"ping_ms"`       // between the server's pings
	IdleMS        int64 `json:"idle_ms"`       // without a sign of the client, not even a pong
	WriteMS       int64 `json:"write_ms"`      // for the client to take one frame
	RequestMS     int64 `json:"request_ms"`    // for the store to answer, and for a body to come
}

// DefaultLimits are the limits of a server that was not told otherwise.
func DefaultLimits() Limits {
	return Limits{
		BodyBytes:     4 << 20,
		FrameBytes:    4<<20 + 64<<10, // a body of the largest size, and what stands around it
		Depth:         MaxDepth,
		KeyBytes:      255,
		PageEntries:   1000,
		Subscriptions: 100,
		Starts:        64,
		QueueEntries:  4096,
		QueueBytes:    8 << 20,
		Sockets:       20_000,
		Streams:       10_000,
		WaitMS:        60_000,
		AuthMS:        10_000,
		PingMS:        25_000,
		IdleMS:        60_000,
		WriteMS:       10_000,
		RequestMS:     30_000,
	}
}

// Or fills what is zero in l from the other.
func (l Limits) Or(d Limits) Limits {
	or(&l.BodyBytes, d.BodyBytes)
	or(&l.FrameBytes, d.FrameBytes)
	or(&l.Depth, d.Depth)
	or(&l.KeyBytes, d.KeyBytes)
	or(&l.PageEntries, d.PageEntries)
	or(&l.Subscriptions, d.Subscriptions)
	or(&l.Starts, d.Starts)
	or(&l.QueueEntries, d.QueueEntries)
	or(&l.QueueBytes, d.QueueBytes)
	or(&l.Sockets, d.Sockets)
	or(&l.Streams, d.Streams)
	or(&l.WaitMS, d.WaitMS)
	or(&l.AuthMS, d.AuthMS)
	or(&l.PingMS, d.PingMS)
	or(&l.IdleMS, d.IdleMS)
	or(&l.WriteMS, d.WriteMS)
	or(&l.RequestMS, d.RequestMS)
	return l
}

func or[T int | int64](have *T, other T) {
	if *have == 0 {
		*have = other
	}
}

// MS is a number of milliseconds as a duration.
func MS(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
