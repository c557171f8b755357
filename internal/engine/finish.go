package engine

import (
	"context"
	"errors"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// root runs the run's own agent.
func (x *Execution) root() ([]byte, error) {
	r, ok := x.cfg.Agents[x.claim.Run.Agent]
	if !ok {
		return nil, reeve.Errorf(reeve.CodeAgentUnknown, "no agent %q on this server", x.claim.Run.Agent)
	}
	return x.newBranch("", r.Name(), 0, x.records).execute(x.ctx, r, x.claim.Run.Input)
}

// finish writes how the run came out. A function that returned a result has completed
// its run, whatever was asked for meanwhile.
func (x *Execution) finish(ctx context.Context, out []byte, err error) Outcome {
	if ctx.Err() != nil {
		return Outcome{End: Lost, Err: context.Cause(ctx)}
	}
	cause := x.cut()
	switch {
	case x.rest.released():
		return Outcome{End: Waiting}
	case err == nil && !codeIs(cause, reeve.CodeDiverged):
		return x.complete(out)
	case cause == nil:
		return x.fail(err)
	case x.lost(cause):
		return Outcome{End: Lost, Err: cause}
	case errors.Is(cause, agent.ErrSuspended):
		return x.hand()
	case errors.Is(cause, agent.ErrCancelled):
		return x.cancelled()
	}
	return x.fail(cause)
}

func codeIs(err error, code reeve.Code) bool { return err != nil && reeve.CodeOf(err) == code }

func (x *Execution) complete(out []byte) Outcome {
	message := reeve.MessageAdded{Role: reeve.RoleAgent, Content: out}
	draft := x.draft(reeve.KindMessageAdded, "", marshal(message))
	message, err := x.cfg.Journal.RedactMessage(message)
	if err == nil {
		err = x.write(&journal.Change{Run: x.run, Status: reeve.StatusCompleted, Result: message.Content},
			draft, x.draft(reeve.KindRunCompleted, "", nil))
	}
	switch {
	case err == nil:
		return Outcome{End: Completed}
	case x.unfit(err):
		return x.fail(err) // the result itself is what the log does not take
	}
	return Outcome{End: Lost, Err: err}
}

// fail writes the run's failure. What the log does not take of it is left out: an end must not be
// refused for its words.
func (x *Execution) fail(cause error) Outcome {
	failure := failureOf(cause, reeve.CodeAgentFailed)
	err := x.writeFailure(failure)
	if x.unfit(err) {
		err = x.writeFailure(reeve.Failure{Code: failure.Code, Message: "the failure could not be recorded whole: " + string(reeve.CodeOf(err))})
	}
	if err != nil {
		return Outcome{End: Lost, Err: err}
	}
	return Outcome{End: Failed, Err: cause}
}

func (x *Execution) writeFailure(f reeve.Failure) error {
	draft := x.draft(reeve.KindRunFailed, "", marshal(f))
	f, err := x.cfg.Journal.RedactFailure(f)
	if err != nil {
		return err
	}
	return x.write(&journal.Change{Run: x.run, Status: reeve.StatusFailed, Error: &f}, draft)
}

func (x *Execution) cancelled() Outcome {
	change := &journal.Change{Run: x.run, Status: reeve.StatusCancelled}
	if err := x.write(change, x.draft(reeve.KindRunCancelled, "", nil)); err != nil {
		return Outcome{End: Lost, Err: err}
	}
	return Outcome{End: Cancelled}
}

// hand lets go of the thread for another node, or this one, to go on at once.
func (x *Execution) hand() Outcome {
	x.mu.Lock()
	reason := x.reason
	x.mu.Unlock()
	change := &journal.Change{Run: x.run, Status: reeve.StatusRunning, Release: true, Wake: now()}
	if err := x.write(change, x.draft(reeve.KindRunHanded, "", marshal(reeve.RunHanded{Reason: reason}))); err != nil {
		return Outcome{End: Lost, Err: err}
	}
	return Outcome{End: Handed}
}
