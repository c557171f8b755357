package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
)

// branch is one live agent of the tree, and the agent.Runtime of its scope.
type branch struct {
	x     *Execution
	path  string
	agent string
	depth int
	units session.Holder
	text  *stream // what the body emits

	records *records // what the log has of it; nil where there is nothing

	forked bool           // it has started branches
	work   sync.WaitGroup // the branches

	mu     sync.Mutex
	doing  Doing
	what   string
	try    int
	since  time.Time
	sign   time.Time
	stream time.Time
	until  time.Time
	stall  time.Duration
}

var _ agent.Runtime = (*branch)(nil)

// errAbandoned ends the branches of a function that has returned an error.
var errAbandoned = errors.New("the agent that called has returned")

// errGoexit is an author's function that ended its goroutine instead of returning.
var errGoexit = reeve.Errorf(reeve.CodePanic, "the agent's function ended its goroutine (runtime.Goexit, or FailNow of a test) instead of returning")

func (x *Execution) newBranch(path, name string, depth int, recs *records) *branch {
	t := now()
	return &branch{x: x, records: recs, path: path, agent: name, depth: depth, doing: InBody, since: t, sign: t, stall: x.cfg.Stall}
}

// execute runs the agent's function in the branch's scope, on the calling goroutine, and
// returns when every branch that it started has returned too.
func (b *branch) execute(ctx context.Context, r agent.Runnable, in []byte) (out []byte, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.enlist()
	defer b.leave()
	outer := ctx
	ctx = pprof.WithLabels(ctx, pprof.Labels(LabelRun, string(b.x.run), LabelPath, b.path))
	pprof.SetGoroutineLabels(ctx)
	defer pprof.SetGoroutineLabels(outer)

	err = errGoexit // until the function has returned: deferred calls run all the same
	defer func() {
		if err != nil {
			cancel(errAbandoned)
		}
		b.joinAll()
		if b.text != nil {
			b.text.close()
		}
	}()
	out, err = b.guarded(agent.WithTry(session.WithHolder(ctx, &b.units), bodyTry{b}), r, in)
	return out, err
}

// guarded turns a panic of the function into an error, and a foreign error into a verdict; the
// stack is the operator's.
func (b *branch) guarded(ctx context.Context, r agent.Runnable, in []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = b.panicked("agent "+r.Name(), p)
		}
	}()
	out, err = agent.Execute(ctx, b, r, b.path, in)
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, judge(err, reeve.CodeAgentFailed)
}

// cut is why nothing may be recorded: the run's context has ended, or the function that this
// scope works for has returned an error.
func (b *branch) cut(ctx context.Context) error {
	if cut := b.x.cut(); cut != nil {
		return cut
	}
	if cause := context.Cause(ctx); errors.Is(cause, errAbandoned) {
		return cause
	}
	return nil
}

func (b *branch) panicked(what string, p any) error {
	if illegal, ok := p.(*session.IllegalStateError); ok { // agent.Now has no other way to say it
		return judge(illegal, reeve.CodeIllegalState)
	}
	b.x.log().Error("the author's code panicked", "in", what, "path", b.path, "panic", p, "stack", string(debug.Stack()))
	return reeve.Errorf(reeve.CodePanic, "%s panicked: %v", what, p)
}

// joinAll waits for the branches; meanwhile this one does not count as working.
func (b *branch) joinAll() {
	if !b.forked {
		return
	}
	b.enter(InCall, "", 0, 0)
	b.x.rest.lie(nil)
	b.work.Wait()
	_ = b.x.rest.rise(nil) // the function has returned: there is nobody to tell
}

// enlist shows the branch among the live ones, and leave takes it away.
func (b *branch) enlist() {
	b.x.mu.Lock()
	b.x.live[b] = struct{}{}
	b.x.mu.Unlock()
}

func (b *branch) leave() {
	b.x.mu.Lock()
	delete(b.x.live, b)
	b.x.mu.Unlock()
}

// enter notes what the branch does from now on. It is a sign of life. Stall is the silence
// that would be a stall; 0 where silence is right.
func (b *branch) enter(d Doing, what string, try int, stall time.Duration) {
	t := now()
	b.mu.Lock()
	b.doing, b.what, b.try, b.stall, b.since, b.sign, b.until = d, what, try, stall, t, t, time.Time{}
	b.mu.Unlock()
}

func (b *branch) enterUntil(d Doing, what string, until time.Time) {
	b.enter(d, what, 0, 0)
	b.mu.Lock()
	b.until = until
	b.mu.Unlock()
}

// beat is a sign of life; streamed, also one of the model or tool stream.
func (b *branch) beat(streamed bool) {
	t := now()
	b.mu.Lock()
	b.sign = t
	if streamed {
		b.stream = t
	}
	b.mu.Unlock()
}

// Messages reads the thread as it was when the run first started, once.
func (b *branch) Messages(context.Context) ([]reeve.Message, error) {
	for pause := rereadMin; ; pause = min(2*pause, rereadMax) {
		messages, err := b.x.readMessages()
		switch {
		case err == nil || b.x.cut() != nil:
			return messages, err
		case errors.Is(err, errUnreadable):
			b.x.end(err) // an entry that cannot be read will not get better
			return nil, err
		}
		b.x.log().Warn("the messages of a thread could not be read; they are read again", "pause", pause, "err", err)
		sleep(b.x.ctx, pause)
	}
}

// Returned refuses an end before the log's end: recorded operations that are never asked for.
func (b *branch) Returned(scope string, n int) error {
	if b.records == nil {
		return nil
	}
	if left := b.records.beyond(scope, n); left != nil {
		return b.diverge("the agent returned after %d operations, but the log has operation %d of it: %s %q", n, left.n, left.kind, left.path)
	}
	return nil
}

// diverge fails the run: the code does not do what the log says it did.
func (b *branch) diverge(format string, args ...any) error {
	err := reeve.Errorf(reeve.CodeDiverged, "replay of %s diverged: %s. The agent's code has changed since, or decides by something that is not recorded",
		b.place(), fmt.Sprintf(format, args...))
	b.x.end(err)
	return err
}

func (b *branch) place() string {
	if b.path == "" {
		return "agent " + b.agent
	}
	return fmt.Sprintf("agent %s at %q", b.agent, b.path)
}

// recorded finds what the log has of an operation, nil when it is new.
func (b *branch) recorded(op agent.Op) (*record, error) {
	if b.records == nil {
		return nil, nil
	}
	rec := b.records.at(op.Scope, op.N)
	if rec != nil && (rec.kind != op.Kind || rec.path != op.Path) {
		return nil, b.diverge("operation %d is %s %q, but the log has %s %q", op.N, op.Kind, op.Path, rec.kind, rec.path)
	}
	return rec, nil
}

// bodyTry is what the context of a body can do.
type bodyTry struct{ b *branch }

func (t bodyTry) Emit(string) error { return nil } // a body's text goes through Runtime.Emit
func (t bodyTry) Beat()             { t.b.beat(false) }
func (t bodyTry) Key() string       { return key(t.b.x.run, t.b.path) }
func (t bodyTry) Fence() int64      { return t.b.x.claim.Fence }

func key(run reeve.RunID, path string) string { return string(run) + "/" + path }

func now() time.Time { return time.Now() }
