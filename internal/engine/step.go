package engine

import (
	"context"
	"errors"
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
	done := b.records.tried(op.Path, b.x.claim.Run.Attempt)
	op.Tries += done // tries of this attempt that the log has: before a hand-over, or a retry
	for n := done + 1; ; n++ {
		out, again, err := b.once(ctx, op, n, fn)
		if !again {
			return out, err
		}
	}
}

// once is one try: run, record, and say whether there will be another.
func (b *branch) once(ctx context.Context, op agent.Op, n int, fn func(context.Context) ([]byte, error)) (out []byte, again bool, err error) {
	if err := b.alive(ctx); err != nil {
		return nil, false, err
	}
	t := &try{b: b, op: op, n: n}
	b.enter(InStep, op.Path, n, orDefault(op.Stall, b.x.cfg.Stall))
	out, err = t.run(ctx, fn)
	b.enter(InWrite, op.Path, n, 0)
	if err == nil {
		if out, err = t.complete(out); err == nil {
			return out, false, nil
		}
	}
	if cut := b.cut(ctx); cut != nil {
		return nil, false, cut // unrecorded: it will be done again
	}
	final := n >= op.Tries || hopeless(err) || ctx.Err() != nil
	pause := backoff(op.Backoff, n)
	failure, err := t.fail(err, final, pause)
	switch {
	case err != nil:
		return nil, false, err
	case final:
		return nil, false, &agent.StepError{Path: op.Path, Try: n, Code: failure.Code, Message: failure.Message, From: failure.Paths}
	}
	b.enterUntil(InPause, op.Path, now().Add(pause))
	sleep(ctx, pause) // when ctx ends the next try begins at once and sees that
	return nil, true, nil
}

// hopeless says that a further try would end the same way.
func hopeless(err error) bool {
	if v, ok := errors.AsType[*verdict](err); ok {
		return v.hopeless
	}
	if agent.IsPermanent(err) {
		return true
	}
	switch codeOf(err, "") {
	case reeve.CodePanic, reeve.CodeNotJSON, reeve.CodeTooLarge, reeve.CodeInvalid, reeve.CodeIllegalState:
		return true
	}
	return false
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
	if b.x.cfg.Leased != nil && !b.x.cfg.Leased() {
		b.enter(InLease, "", 0, 0)
	}
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
	stream *stream // b.mu
	over   bool    // b.mu: the function has returned
}

func (t *try) Beat()        { t.b.beat(false) }
func (t *try) Key() string  { return key(t.b.x.run, t.op.Path) }
func (t *try) Fence() int64 { return t.b.x.claim.Fence }

// Emit streams the try's text. It is called from the step's function only, but that may
// have goroutines of its own.
func (t *try) Emit(text string) error {
	t.b.mu.Lock()
	if t.stream == nil && !t.over {
		t.stream = t.b.x.newStream(t.op.Path, t.n, 0)
	}
	s, over := t.stream, t.over
	t.b.mu.Unlock()
	if over {
		return errStepOver(t.op.Path)
	}
	t.b.beat(true)
	return s.emit(text)
}

func errStepOver(path string) error {
	return reeve.Errorf(reeve.CodeInvalid, "emit at %q: the step has ended", path)
}

// run calls the author's function.
func (t *try) run(ctx context.Context, fn func(context.Context) ([]byte, error)) (out []byte, err error) {
	defer t.endText()
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
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, judge(err, reeve.CodeStepFailed)
}

// endText hands in the rest of the try's text, before its outcome: text never fails a step.
func (t *try) endText() {
	t.b.mu.Lock()
	t.over = true
	s := t.stream
	t.b.mu.Unlock()
	if s != nil {
		s.close()
	}
}

// complete records the result and gives what was recorded.
func (t *try) complete(out []byte) ([]byte, error) {
	drafts := []journal.Draft{t.draft(reeve.KindStepCompleted, out)}
	if err := t.b.x.write(nil, drafts...); err != nil {
		return nil, err
	}
	return drafts[0].Data, nil
}

// fail records the failure. A final one is durable before the agent sees it.
func (t *try) fail(cause error, final bool, pause time.Duration) (reeve.Failure, error) {
	failed := reeve.StepFailed{Failure: failureOf(cause, reeve.CodeStepFailed), Final: final}
	if !final {
		at := now().Add(pause).UTC()
		failed.RetryAt = &at
	}
	d := t.draft(reeve.KindStepFailed, marshal(failed))
	d.Interim = !final
	return failed.Failure, t.b.x.write(nil, d)
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
