package reeve

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name of an agent, step, question or thread id, in bytes.
const MaxName = 200

// ThreadID names a thread. It holds no dot, slash, hash or white space.
type ThreadID string

// RunID names a run. It is the thread's id, a dot, and the run's number from 1.
type RunID string

// NodeID names one reeve process: fresh for each start, never a host name.
type NodeID string

// MakeRunID is the id of the thread's nth run; n starts at 1.
func MakeRunID(thread ThreadID, n int64) RunID {
	return RunID(string(thread) + "." + strconv.FormatInt(n, 10))
}

// ParseThreadID checks an id that came from outside. The error has CodeInvalid.
func ParseThreadID(s string) (ThreadID, error) {
	if err := CheckName("thread id", s); err != nil {
		return "", err
	}
	if strings.ContainsAny(s, ". \t") {
		return "", Errorf(CodeInvalid, "thread id %q: no dot and no white space allowed", s)
	}
	return ThreadID(s), nil
}

// ParseRunID checks an id that came from outside. The error has CodeInvalid.
func ParseRunID(s string) (RunID, error) {
	thread, number, ok := strings.Cut(s, ".")
	if !ok {
		return "", Errorf(CodeInvalid, "run id %q: want THREAD.NUMBER", s)
	}
	if _, err := ParseThreadID(thread); err != nil {
		return "", err
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || number != strconv.FormatInt(n, 10) {
		return "", Errorf(CodeInvalid, "run id %q: the number after the dot must be 1 or more", s)
	}
	return RunID(s), nil
}

// Thread is the id of the thread that the run belongs to.
func (id RunID) Thread() ThreadID {
	thread, _, _ := strings.Cut(string(id), ".")
	return ThreadID(thread)
}

// N is the run's number within its thread, from 1; 0 when the id is malformed.
func (id RunID) N() int64 {
	_, number, _ := strings.Cut(string(id), ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// CheckName refuses a name that could not stand in a path: empty, over MaxName
// bytes, broken UTF-8, control characters, a slash or a hash. What says which
// name it is, for the message. The error has CodeInvalid.
func CheckName(what, name string) error {
	switch {
	case name == "":
		return Errorf(CodeInvalid, "%s is empty", what)
	case len(name) > MaxName:
		return Errorf(CodeInvalid, "%s has %d bytes: at most %d", what, len(name), MaxName)
	case !utf8.ValidString(name):
		return Errorf(CodeInvalid, "%s is not valid UTF-8: %q", what, name)
	case strings.ContainsAny(name, "/#"):
		return Errorf(CodeInvalid, "%s %q: no / and no # allowed", what, name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return Errorf(CodeInvalid, "%s %q: no control characters allowed", what, name)
	}
	return nil
}

// Position is a place in a thread's log: the sequence number, and the epoch in
// which that number means something. It prints as epoch:seq.
type Position struct {
	Epoch int64 `json:"epoch"`
	Seq   int64 `json:"seq"`
}

func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Epoch, p.Seq) }

// ParsePosition reads epoch:seq, as String prints it. The error has CodeInvalid.
func ParsePosition(s string) (Position, error) {
	epoch, seq, ok := strings.Cut(s, ":")
	e, errE := strconv.ParseInt(epoch, 10, 64)
	n, errN := strconv.ParseInt(seq, 10, 64)
	if !ok || errE != nil || errN != nil || e < 0 || n < 0 {
		return Position{}, Errorf(CodeInvalid, "position %q: want EPOCH:SEQ", s)
	}
	return Position{Epoch: e, Seq: n}, nil
}
