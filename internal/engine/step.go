package engine

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// maxPause bounds the wait between two tries.
const maxPause = time.Minute

// Step answers the op from the log, or runs it until it is done with.
func (b *branch) Step(ctx context.Context, op agent.Op, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	rec, err := b.recorded(op)
	if err != nil {
		return nil, err
	}
	if rec != nil && rec.closed != nil {
		return rec.stepOutcome()
	}
	if b.text != nil {
		b.text.flush()
	}
	defer b.enter(InBody, "", 0, b.x.cfg.Stall)
	for n := 1; ; n++ {
		out, err, again := b.once(ctx, op, n, fn)
		if !again {
			return out, err
		}
	}
}

// once is one try: run, record, and say whether there will be another.
func (b *branch) once(ctx context.Context, op agent.Op, n int, fn func(context.Context) ([]byte, error)) (out []byte, err error, again bool) {
	if err := b.alive(ctx); err != nil {
		return nil, err, false
	}
	t := &try{b: b, op: op, n: n}
	b.enter(InStep, op.Path, n, orDefault(op.Stall, b.x.cfg.Stall))
	out, err = t.run(ctx, fn)
	b.enter(InWrite, op.Path, n, 0)
	if err == nil {
		if out, err = t.complete(out); err == nil {
			return out, nil, false
		}
	}
	if cut := b.x.cut(); cut != nil {
		return nil, cut, false // unrecorded: it will be done again
	}
	final := n >= op.Tries || hopeless(err) || ctx.Err() != nil
	failure, err := t.fail(err, final)
	switch {
	case err != nil:
		return nil, err, false
	case final:
		return nil, &agent.StepError{Path: op.Path, Try: n, Code: failure.Code, Message: failure.Message, From: failure.Paths}, false
	}
	b.pause(ctx, op, n)
	return nil, nil, true
}

// hopeless says that a further try would end the same way.
func hopeless(err error) bool {
	if agent.IsPermanent(err) {
		return true
	}
	switch codeOf(err, "") {
	case reeve.CodePanic, reeve.CodeNotJSON, reeve.CodeTooLarge, reeve.CodeInvalid, reeve.CodeIllegalState:
		return true
	}
	return false
}

// pause waits before the next try: twice as long each time, with jitter. When ctx ends
// the next try begins at once and sees that.
func (b *branch) pause(ctx context.Context, op agent.Op, n int) {
	d := backoff(op.Backoff, n)
	b.enterUntil(InPause, op.Path, now().Add(d))
	sleep(ctx, d)
}

// backoff is the wait after the nth try, between half and the whole of base doubled n-1 times.
func backoff(base time.Duration, n int) time.Duration {
	d := min(base<<min(n-1, 20), maxPause)
	if d <= 0 {
		return 0
	}
	return d/2 + rand.N(d/2+1)
}

// alive waits for the node's lease, and says why the operation may not begin.
func (b *branch) alive(ctx context.Context) error {
	if err := b.x.cfg.Live(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// try is one go at a step, and what its context can do.
type try struct {
	b      *branch
	op     agent.Op
	n      int
	stream *stream
}

func (t *try) Beat()        { t.b.beat(false) }
func (t *try) Key() string  { return key(t.b.x.run, t.op.Path) }
func (t *try) Fence() int64 { return t.b.x.claim.Fence }

// Emit streams the try's text. It is called from the step's function only, but that may
// have goroutines of its own.
func (t *try) Emit(text string) error {
	t.b.mu.Lock()
	if t.stream == nil {
		t.stream = t.b.x.newStream(t.op.Path, t.n, 0)
	}
	s := t.stream
	t.b.mu.Unlock()
	t.b.beat(true)
	return s.emit(text)
}

// run calls the author's function.
func (t *try) run(ctx context.Context, fn func(context.Context) ([]byte, error)) (out []byte, err error) {
	if t.op.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.op.Timeout, reeve.Errorf(reeve.CodeTimeout, "over its timeout of %s", t.op.Timeout))
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			err = t.b.panicked("step "+t.op.Path, p)
		}
	}()
	out, err = fn(agent.WithTry(ctx, t))
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, err
}

// complete records the result, the rest of the text before it.
func (t *try) complete(out []byte) ([]byte, error) {
	drafts := append(t.rest(), t.draft(reeve.KindStepCompleted, out))
	if err := t.b.x.write(nil, drafts...); err != nil {
		return nil, err
	}
	return drafts[len(drafts)-1].Data, nil
}

// fail records the failure. A final one is durable before the agent sees it.
func (t *try) fail(cause error, final bool) (reeve.Failure, error) {
	failed := reeve.StepFailed{Failure: failureOf(cause, reeve.CodeStepFailed), Final: final}
	drafts := append(t.rest(), t.draft(reeve.KindStepFailed, marshal(failed)))
	return failed.Failure, t.b.x.write(nil, drafts...)
}

func (t *try) rest() []journal.Draft {
	if t.stream == nil {
		return make([]journal.Draft, 0, 1)
	}
	return t.stream.rest()
}

func (t *try) draft(kind reeve.Kind, data []byte) journal.Draft {
	d := t.b.x.draft(kind, t.op.Path, data)
	d.Scope, d.N, d.Name, d.Try = t.op.Scope, t.op.N, t.op.Name, t.n
	return d
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
