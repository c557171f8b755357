package engine

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// call is an agent called by another.
type call struct {
	b    *branch // the caller's
	op   agent.Op
	r    agent.Runnable
	in   []byte
	done chan struct{} // closed when out and err are set
	out  []byte
	err  error
}

// Call runs r in a scope of its own: at once, or beside the caller.
func (b *branch) Call(ctx context.Context, op agent.Op, r agent.Runnable, in []byte) func(context.Context) ([]byte, error) {
	rec, err := b.recorded(op)
	if err == nil && rec != nil && rec.closed != nil {
		return settled(rec.callOutcome())
	}
	if err == nil {
		err = b.admit(op)
	}
	if err != nil {
		return settled(nil, err)
	}
	c := &call{b: b, op: op, r: r, in: in}
	if rec == nil {
		if err := c.announce(); err != nil {
			return settled(nil, err)
		}
	}
	if !op.Branch {
		b.enter(InCall, op.Path, 0, 0)
		defer b.enter(InBody, "", 0, b.x.cfg.Stall)
		return settled(c.run(ctx))
	}
	c.start(ctx)
	return c.wait
}

func settled(out []byte, err error) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return out, err }
}

// admit bounds the depth of the tree and the width of a scope.
func (b *branch) admit(op agent.Op) error {
	if b.depth >= b.x.cfg.MaxDepth {
		return reeve.Errorf(reeve.CodeTooLarge, "call %s: agents are nested %d deep already, which is the limit", op.Path, b.depth)
	}
	if op.N > b.x.cfg.MaxCalls && op.Branch {
		return reeve.Errorf(reeve.CodeTooLarge, "call %s: the scope has %d operations already, which is the limit for branches", op.Path, op.N-1)
	}
	return b.alive(b.x.ctx)
}

// announce hands in agent.called. Nobody waits for it: whatever the call records follows
// it in the same lane.
func (c *call) announce() error {
	if c.b.text != nil {
		c.b.text.flush()
	}
	called := reeve.AgentCalled{Agent: c.r.Name(), Input: json.RawMessage(c.in)}
	_, err := c.b.x.owner.Hand(c.draft(reeve.KindAgentCalled, marshal(called)))
	return err
}

// start gives the call a goroutine, which the caller's scope waits for.
func (c *call) start(ctx context.Context) {
	c.done = make(chan struct{})
	c.b.forked = true
	c.b.x.rest.start() // counted before the goroutine runs, so that nothing looks idle in between
	c.b.work.Go(func() {
		defer c.b.x.rest.stop()
		defer close(c.done)
		c.out, c.err = c.run(ctx)
	})
}

// wait joins a branch; meanwhile the caller does not count as working.
func (c *call) wait(ctx context.Context) ([]byte, error) {
	select {
	case <-c.done:
		return c.out, c.err
	default:
	}
	c.b.enter(InCall, c.op.Path, 0, 0)
	defer c.b.enter(InBody, "", 0, c.b.x.cfg.Stall)
	c.b.x.rest.lie(nil)
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	if err := c.b.x.rest.rise(nil); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c.out, c.err
}

// run executes the agent, again as often as the op says, and records how it came out.
func (c *call) run(ctx context.Context) ([]byte, error) {
	for n := 1; ; n++ {
		out, err := c.once(ctx)
		if cut := c.cut(ctx); cut != nil {
			return nil, cut
		}
		if err == nil {
			return c.returned(out)
		}
		if n >= c.op.Tries || hopeless(err) || ctx.Err() != nil {
			return c.failed(n, err)
		}
		if err := c.b.x.reload(ctx, c.op.Path, failureOf(err, reeve.CodeAgentFailed)); err != nil {
			return nil, err
		}
		sleep(ctx, backoff(c.op.Backoff, n))
	}
}

// cut is why nothing may be recorded of the call: the run's context has ended, or the
// function that called has returned an error.
func (c *call) cut(ctx context.Context) error {
	if cut := c.b.x.cut(); cut != nil {
		return cut
	}
	if cause := context.Cause(ctx); errors.Is(cause, errAbandoned) {
		return cause
	}
	return nil
}

func (c *call) once(ctx context.Context) ([]byte, error) {
	if c.op.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.op.Timeout, reeve.Errorf(reeve.CodeTimeout, "over its timeout of %s", c.op.Timeout))
		defer cancel()
	}
	return c.b.x.newBranch(c.op.Path, c.r.Name(), c.b.depth+1).execute(ctx, c.r, c.in)
}

func (c *call) returned(out []byte) ([]byte, error) {
	err := c.b.x.write(nil, c.draft(reeve.KindAgentReturned, marshal(reeve.AgentReturned{Result: out})))
	if code := reeve.CodeOf(err); code == reeve.CodeTooLarge || code == reeve.CodeInvalid {
		return c.failed(1, err)
	}
	return out, err
}

func (c *call) failed(n int, cause error) ([]byte, error) {
	f := failureOf(cause, reeve.CodeAgentFailed)
	if err := c.b.x.write(nil, c.draft(reeve.KindAgentReturned, marshal(reeve.AgentReturned{Error: &f}))); err != nil {
		return nil, err
	}
	return nil, callError(c.op.Path, n, f)
}

func callError(path string, n int, f reeve.Failure) error {
	return &agent.StepError{Path: path, Try: n, Code: f.Code, Message: f.Message, From: f.Paths}
}

func (c *call) draft(kind reeve.Kind, data []byte) journal.Draft {
	d := c.b.x.draft(kind, c.op.Path, data)
	d.Scope, d.N, d.Name = c.op.Scope, c.op.N, c.op.Name
	return d
}
