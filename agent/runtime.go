package agent

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/session"
)

// OpKind is what sort of operation an Op is.
type OpKind string

// The kinds of operations.
const (
	OpStep  OpKind = "step"
	OpCall  OpKind = "call"
	OpAsk   OpKind = "ask"
	OpSleep OpKind = "sleep"
)

// Op is one operation of a scope. Replay compares its number, kind and name with
// what the log has.
type Op struct {
	Kind  OpKind
	Scope string // the path of the agent call or branch it belongs to; "" for the run's own agent
	N     int    // its number within the scope, from 1
	Name  string
	Path  string // unique within the run

	Tries   int           // how often it may be tried; at least 1
	Backoff time.Duration // before the second try; doubled, with jitter, before each further one
	Timeout time.Duration // bound on each try; 0: none
	Stall   time.Duration // silence that is reported; 0: the server's default
	Branch  bool          // a call that runs beside its caller
}

// Runtime gives the Contexts of one run their life. Package engine implements it; authors do
// not. Its methods are called from the goroutine of the scope that the op names.
//
// An error that comes back when ctx has ended is context.Cause(ctx), unrecorded.
type Runtime interface {
	// Step answers the op from the log, or runs fn until it succeeds or its tries are used up,
	// and records the outcome before it returns. fn's context carries a Try.
	Step(ctx context.Context, op Op, fn func(context.Context) ([]byte, error)) ([]byte, error)
	// Call runs r in a scope of its own: at once, or with op.Branch on a goroutine that the
	// runtime owns. The function it returns waits for the outcome.
	Call(ctx context.Context, op Op, r Runnable, in []byte) func(context.Context) ([]byte, error)
	// Ask opens a question and waits for its answer.
	Ask(ctx context.Context, op Op, q Question[[]byte]) ([]byte, error)
	// Sleep waits until d after the moment it first began.
	Sleep(ctx context.Context, op Op, d time.Duration) error
	// Emit appends to the text of a body, from the byte offset on; what the log has is passed over.
	Emit(ctx context.Context, scope string, offset int64, text string) error
	// Messages is the thread as it was when the run first started.
	Messages(ctx context.Context) ([]reeve.Message, error)
	// Returned tells that the scope ran to its end after n operations.
	Returned(scope string, n int) error
}

// Runnable is an agent whose types are left behind: what a server is given. Only *Agent is one.
type Runnable interface {
	Name() string
	Version() string
	run(ctx Context, in []byte) ([]byte, error)
	check(in []byte) error
}

// CheckInput says whether the agent could read the input: what a server asks before it accepts
// a run. The error has CodeInvalid and says what does not fit. It runs the author's UnmarshalJSON, where
// there is one; a panic there is CodeInvalid too.
func CheckInput(r Runnable, in []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = reeve.Errorf(reeve.CodeInvalid, "input of agent %s: reading it panicked: %v", r.Name(), p)
		}
	}()
	return r.check(in)
}

// Execute runs an agent's body in the scope at path ("" for the run's own agent), over
// rt. It is for runtimes. The context should carry the Try of the body, and a session.Holder
// in which the units are counted that are opened on the scope's behalf.
func Execute(ctx context.Context, rt Runtime, r Runnable, path string, in []byte) ([]byte, error) {
	s := &scope{rt: rt, path: path, base: ctx}
	out, err := r.run(&body{Context: ctx, s: s}, in)
	s.over.Store(true)
	if err == nil {
		err = session.Check(ctx, "return from agent "+r.Name())
	}
	if ctx.Err() != nil && (err != nil || !keepsResult(context.Cause(ctx))) {
		return nil, context.Cause(ctx)
	}
	if left := rt.Returned(path, s.n); left != nil {
		return nil, left
	}
	return out, err
}

// keepsResult says whether a result counts that came after the scope's context had ended: after a request
// to cancel, and after a bound of time. A run that lets go, or has lost its thread, goes on elsewhere.
func keepsResult(cause error) bool {
	code := reeve.CodeOf(cause)
	return code == reeve.CodeCancelled || code == reeve.CodeTimeout
}

// Try is what the context of a step, or of a body, can do beside computing.
type Try interface {
	Emit(text string) error // a step's text; a body's goes through Runtime.Emit
	Beat()
	Key() string
	Fence() int64
}

// tryContext carries a Try.
type tryContext struct {
	context.Context
	try Try
}

func (c *tryContext) Value(key any) any {
	if key == (currentKey{}) {
		return c
	}
	if key == (tryKey{}) {
		return c.try
	}
	return c.Context.Value(key)
}

type tryKey struct{}

// WithTry is ctx with a Try for Emit, Beat, Key and Fence. It is for runtimes.
func WithTry(ctx context.Context, t Try) context.Context {
	return &tryContext{Context: ctx, try: t}
}
