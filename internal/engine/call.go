package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// call is an agent called by another.
type call struct {
	b     *branch // the caller's
	op    agent.Op
	r     agent.Runnable
	in    []byte
	until *time.Time    // when its timeout passes; nil for none
	done  chan struct{} // closed when out and err are set
	out   []byte
	err   error
}

// Call runs r in a scope of its own: at once, or beside the caller.
func (b *branch) Call(ctx context.Context, op agent.Op, r agent.Runnable, in []byte) func(context.Context) ([]byte, error) {
	rec, err := b.recorded(op)
	if err == nil && rec != nil && rec.closed != nil {
		return settled(rec.callOutcome())
	}
	c := &call{b: b, op: op, r: r, in: in}
	if err == nil {
		err = c.open(ctx, rec)
	}
	if err != nil {
		return settled(nil, err)
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
func (b *branch) admit(ctx context.Context, op agent.Op) error {
	if b.depth >= b.x.cfg.MaxDepth {
		return reeve.Errorf(reeve.CodeTooLarge, "call %s: agents are nested %d deep already, which is the limit", op.Path, b.depth)
	}
	if op.N > b.x.cfg.MaxCalls && op.Branch {
		return reeve.Errorf(reeve.CodeTooLarge, "call %s: the scope has %d operations already, which is the limit for branches", op.Path, op.N-1)
	}
	return b.alive(ctx)
}

// open announces a call that is new. One that the log has goes on, whatever bound has passed since: its
// own operations know.
func (c *call) open(ctx context.Context, rec *record) error {
	if rec != nil {
		var called reeve.AgentCalled
		err := unmarshal(rec.opened, &called)
		c.until = called.Until
		return err
	}
	if err := c.b.admit(ctx, c.op); err != nil {
		return err
	}
	if c.op.Timeout > 0 {
		until := now().Add(c.op.Timeout).UTC()
		c.until = &until
	}
	return c.announce()
}

// announce hands in agent.called. Nobody waits for it: whatever the call records follows
// it in the same lane.
func (c *call) announce() error {
	if c.b.text != nil {
		c.b.text.flush()
	}
	called := reeve.AgentCalled{Agent: c.r.Name(), Input: json.RawMessage(c.in), Branch: c.op.Branch, Until: c.until}
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
		returned := false
		defer func() {
			if !returned {
				c.out, c.err = c.failed(1, errGoexit)
			}
		}()
		c.out, c.err = c.run(ctx)
		returned = true
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
	var bound *reeve.Waiting
	if d, ok := ctx.Deadline(); ok {
		bound = &reeve.Waiting{Path: c.op.Path, What: string(InCall), Until: &d}
	}
	c.b.x.rest.lie(bound)
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	if err := c.b.x.rest.rise(bound); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c.out, c.err
}

// run executes the agent, again as often as the op says, and records how it came out.
func (c *call) run(ctx context.Context) ([]byte, error) {
	recs := c.b.records
	for n := 1; ; n++ {
		out, err := c.once(ctx, recs)
		if cut := c.b.cut(ctx); cut != nil {
			return nil, cut
		}
		if err == nil {
			return c.returned(out)
		}
		if n >= c.op.Tries || hopeless(err) || ctx.Err() != nil || c.late() {
			return c.failed(n, err)
		}
		if recs, err = c.again(ctx, failureOf(err, reeve.CodeAgentFailed)); err != nil {
			return nil, err
		}
		sleep(ctx, backoff(c.op.Backoff, n))
	}
}

// late says whether the call's timeout has passed.
func (c *call) late() bool { return c.until != nil && !now().Before(*c.until) }

// again says in the log that the call is tried again, and reads what its further try may go by: the same
// as a later attempt will.
func (c *call) again(ctx context.Context, f reeve.Failure) (*records, error) {
	d := c.draft(reeve.KindAgentReturned, marshal(reeve.AgentReturned{Error: &f, Again: true}))
	d.Interim = true
	if err := c.b.x.write(nil, d); err != nil {
		return nil, err
	}
	recs, err := c.b.x.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the log of run %s for another try of %s: %w", c.b.x.run, c.op.Path, err)
	}
	return recs, nil
}

// once executes the agent. The bound is the call's, over all of its tries.
func (c *call) once(ctx context.Context, recs *records) ([]byte, error) {
	if c.until != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, *c.until, reeve.Errorf(reeve.CodeTimeout, "over its timeout of %s", c.op.Timeout))
		defer cancel()
	}
	return c.b.x.newBranch(c.op.Path, c.r.Name(), c.b.depth+1, recs).execute(ctx, c.r, c.in)
}

func (c *call) returned(out []byte) ([]byte, error) {
	d := c.draft(reeve.KindAgentReturned, marshal(reeve.AgentReturned{Result: out}))
	drafts := []journal.Draft{d}
	err := c.b.x.write(nil, drafts...)
	if c.b.x.unfit(err) {
		return c.failed(1, err)
	}
	if err == nil && c.b.x.cfg.Journal.Redacting() { // the caller sees what replay will give it
		var after reeve.AgentReturned
		err = json.Unmarshal(drafts[0].Data, &after)
		out = after.Result
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
