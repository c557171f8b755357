package agent

import (
	"context"
	"errors"
	"time"

	"github.com/reeve-run/reeve"
)

// Call runs another agent in a scope of its own and returns its result. It has one
// try unless Tries says otherwise.
func Call[In, Out any](ctx Context, a *Agent[In, Out], in In, opts ...CallOption) (Out, error) {
	o := collect(opts)
	f := start(ctx, a, in, o.op)
	return f.Wait(ctx)
}

// Go starts another agent beside the caller. Every Future is finished before the
// calling agent's function counts as returned: one that was not waited for is waited for then.
func Go[In, Out any](ctx Context, a *Agent[In, Out], in In, opts ...CallOption) *Future[Out] {
	o := collect(opts)
	o.op.Branch = true
	return start(ctx, a, in, o.op)
}

// Parallel runs the agent once for each input, each in a branch of its own, and returns
// the results in the order of the inputs. A failing branch does not stop its siblings; their
// errors are joined, each a *StepError with its path, and the results of the others are returned beside them.
func Parallel[In, Out any](ctx Context, a *Agent[In, Out], in []In, opts ...CallOption) ([]Out, error) {
	o := collect(opts)
	o.op.Branch = true
	limit := o.atMost
	if limit <= 0 || limit > len(in) {
		limit = len(in)
	}
	futures := make([]*Future[Out], 0, len(in))
	outs := make([]Out, len(in))
	var errs []error
	collectOne := func(i int) {
		out, err := futures[i].Wait(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		outs[i] = out
	}
	waited := 0
	for i := range in {
		// The oldest branch is waited for, not the first to end: the order in which
		// branches begin, and so their numbers, is the same in every replay.
		for ; i-waited >= limit; waited++ {
			collectOne(waited)
		}
		futures = append(futures, start(ctx, a, in[i], o.op))
	}
	for ; waited < len(futures); waited++ {
		collectOne(waited)
	}
	return outs, errors.Join(errs...)
}

// Future is a call that is under way. It belongs to the scope that started it.
type Future[Out any] struct {
	what string
	s    *scope // nil for a call that was refused
	wait func(context.Context) ([]byte, error)
}

// Wait waits for the call's outcome. It may be called again, and returns the same. With a
// context that has a deadline the wait is a step named "wait", so that a wait that was given up
// stays given up after a crash; the call itself goes on.
func (f *Future[Out]) Wait(ctx Context) (Out, error) {
	raw, err := f.join(ctx)
	if err != nil {
		var zero Out
		return zero, err
	}
	return decode[Out](f.what, raw)
}

func (f *Future[Out]) join(ctx Context) ([]byte, error) {
	if f.s == nil {
		return f.wait(ctx)
	}
	if ctx.scope() != f.s {
		return nil, f.s.overlap("wait for", f.what)
	}
	if deadline, bounded := ctx.Deadline(); bounded {
		if err := f.joinBy(deadline); err != nil {
			return nil, err
		}
		ctx = &body{Context: f.s.base, s: f.s} // it is there
	}
	if err := f.s.enter(ctx, "wait for", f.what); err != nil {
		return nil, err
	}
	defer f.s.end()
	return f.wait(ctx)
}

// joinBy records whether the call ended before the deadline.
func (f *Future[Out]) joinBy(deadline time.Time) error {
	_, err := Step(&body{Context: f.s.base, s: f.s}, "wait", func(step context.Context) (struct{}, error) {
		bounded, cancel := context.WithDeadline(step, deadline)
		defer cancel()
		if _, err := f.wait(bounded); err != nil && bounded.Err() != nil && step.Err() == nil {
			return struct{}{}, Permanent(reeve.Errorf(reeve.CodeTimeout, "%s has not returned before the deadline of the wait", f.what))
		}
		return struct{}{}, nil
	}, Tries(1), StallAfter(time.Until(deadline)+time.Minute))
	return err
}

func collect(opts []CallOption) callOptions {
	o := callOptions{op: Op{Tries: 1, Backoff: DefaultBackoff}}
	for _, opt := range opts {
		opt.call(&o)
	}
	return o
}

func start[In, Out any](ctx Context, a *Agent[In, Out], in In, op Op) *Future[Out] {
	if a == nil {
		return broken[Out](errors.New("the agent to call is nil"))
	}
	raw, err := encode("input of agent "+a.name, in)
	if err != nil {
		return broken[Out](err)
	}
	s := ctx.scope()
	placed, err := s.begin(ctx, OpCall, a.name, "")
	if err != nil {
		return broken[Out](err)
	}
	defer s.end()
	placed.Tries, placed.Backoff, placed.Timeout, placed.Branch = op.Tries, op.Backoff, op.Timeout, op.Branch
	return &Future[Out]{what: "agent " + placed.Path, s: s, wait: s.rt.Call(ctx, placed, a, raw)}
}

func broken[Out any](err error) *Future[Out] {
	return &Future[Out]{wait: func(context.Context) ([]byte, error) { return nil, err }}
}
