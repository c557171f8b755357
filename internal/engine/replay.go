package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// record is what the log has of one operation.
type record struct {
	kind   agent.OpKind
	scope  string
	n      int
	path   string
	branch bool         // of a call: it ran beside its caller
	opened *reeve.Entry // agent.called, ask.opened, timer.set
	closed *reeve.Entry // step.completed, a final step.failed, agent.returned, ask.answered
}

// records is what the log has of a run. It does not change once it is made.
type records struct {
	ops       map[opKey]*record
	paths     map[string]*record
	texts     map[string]int64 // bytes of the text of each body
	tries     map[string]tries // of each step, in the latest attempt that the log has of it
	last      map[string]int   // the highest number in each scope
	failure   *reeve.Failure   // of the run.failed that a retry follows
	cancelled bool
}

type tries struct{ attempt, last int }

type opKey struct {
	scope string
	n     int
}

// Bounds of the wait before the log is read again.
const (
	rereadMin = 50 * time.Millisecond
	rereadMax = time.Second
)

// load reads the run's log. The thread is this node's, so a store in trouble is waited for until ctx ends.
func (x *Execution) load(ctx context.Context) error {
	recs, err := x.read(ctx)
	for pause := rereadMin; err != nil; pause = min(2*pause, rereadMax) {
		if ctx.Err() != nil || errors.Is(err, errUnreadable) {
			return fmt.Errorf("read the log of run %s: %w", x.run, err)
		}
		x.log().Warn("the log of a run could not be read; it is read again", "pause", pause, "err", err)
		sleep(ctx, pause)
		recs, err = x.read(ctx)
	}
	x.records = recs
	if recs.cancelled {
		x.end(agent.ErrCancelled)
	}
	return nil
}

func (x *Execution) read(ctx context.Context) (*records, error) {
	recs := &records{
		ops: map[opKey]*record{}, paths: map[string]*record{}, texts: map[string]int64{},
		tries: map[string]tries{}, last: map[string]int{},
	}
	q := journal.EntryQuery{Thread: x.claim.Run.Thread, Run: x.run, After: x.claim.Run.FirstSeq - 1}
	for e, err := range x.cfg.Journal.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		if err := recs.take(e); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

// take enters one entry.
func (r *records) take(e reeve.Entry) error {
	switch e.Kind {
	case reeve.KindStepCompleted:
		r.op(agent.OpStep, e).closed = &e
	case reeve.KindStepFailed:
		return r.takeFailed(e)
	case reeve.KindAgentCalled:
		return r.takeCalled(e)
	case reeve.KindAgentReturned:
		return r.takeReturned(e)
	case reeve.KindAskOpened:
		r.op(agent.OpAsk, e).opened = &e
	case reeve.KindTimerSet:
		r.op(agent.OpSleep, e).opened = &e
	case reeve.KindAskAnswered:
		if rec := r.paths[e.Path]; rec != nil && rec.closed == nil {
			rec.closed = &e
		}
	case reeve.KindTextAppended:
		return r.takeText(e)
	case reeve.KindCancelRequested:
		r.cancelled = true
	case reeve.KindRunFailed:
		r.failure = new(reeve.Failure)
		return unmarshal(&e, r.failure)
	case reeve.KindRunQueued:
		return r.takeQueued(e)
	}
	return nil
}

func (r *records) takeCalled(e reeve.Entry) error {
	var called reeve.AgentCalled
	if err := unmarshal(&e, &called); err != nil {
		return err
	}
	rec := r.op(agent.OpCall, e)
	rec.opened, rec.branch = &e, called.Branch
	return nil
}

// takeReturned closes a call, or forgets what it failed of when it was tried again.
func (r *records) takeReturned(e reeve.Entry) error {
	var returned reeve.AgentReturned
	if err := unmarshal(&e, &returned); err != nil {
		return err
	}
	if returned.Again && returned.Error != nil {
		r.forget(e.Path, *returned.Error)
		return nil
	}
	r.op(agent.OpCall, e).closed = &e
	return nil
}

// op finds the operation that an entry belongs to, or makes it.
func (r *records) op(kind agent.OpKind, e reeve.Entry) *record {
	k := opKey{e.Scope, e.N}
	rec := r.ops[k]
	if rec == nil {
		rec = &record{kind: kind, scope: e.Scope, n: e.N, path: e.Path}
		r.ops[k] = rec
		r.paths[e.Path] = rec
		r.last[e.Scope] = max(r.last[e.Scope], e.N)
	}
	return rec
}

func (r *records) takeFailed(e reeve.Entry) error {
	var f reeve.StepFailed
	r.tryOf(e)
	if err := unmarshal(&e, &f); err != nil || !f.Final {
		return err
	}
	r.op(agent.OpStep, e).closed = &e
	return nil
}

// tryOf notes that the log has this try of a step.
func (r *records) tryOf(e reeve.Entry) {
	if t := r.tries[e.Path]; e.Attempt > t.attempt || e.Attempt == t.attempt && e.Try > t.last {
		r.tries[e.Path] = tries{e.Attempt, e.Try}
	}
}

// tried is how many tries of the step the log has in the attempt: a hand-over and a retry do not
// begin a new one. Nil has none.
func (r *records) tried(path string, attempt int) int {
	if r == nil || r.tries[path].attempt != attempt {
		return 0
	}
	return r.tries[path].last
}

// takeText counts what bodies have emitted; a step's text belongs to its try.
func (r *records) takeText(e reeve.Entry) error {
	if e.Try > 0 {
		r.tryOf(e)
		return nil
	}
	var t reeve.TextAppended
	err := unmarshal(&e, &t)
	r.texts[e.Path] = max(r.texts[e.Path], t.Offset+int64(len(t.Text)))
	return err
}

// takeQueued forgets, for a retry, what the run failed of.
func (r *records) takeQueued(e reeve.Entry) error {
	var q reeve.RunQueued
	if err := unmarshal(&e, &q); err != nil || !q.Retry {
		return err
	}
	failure := reeve.Failure{}
	if r.failure != nil {
		failure = *r.failure
	}
	r.cancelled = false
	r.forget("", failure)
	return nil
}

func (r *records) at(scope string, n int) *record { return r.ops[opKey{scope, n}] }

// beyond finds a recorded operation of the scope after the nth.
func (r *records) beyond(scope string, n int) *record {
	for i := n + 1; i <= r.last[scope]; i++ {
		if rec := r.ops[opKey{scope, i}]; rec != nil {
			return rec
		}
	}
	return nil
}

// stepOutcome answers a step from the log.
func (rec *record) stepOutcome() ([]byte, error) {
	if rec.closed.Kind == reeve.KindStepCompleted {
		return rec.closed.Data, nil
	}
	var f reeve.StepFailed
	if err := unmarshal(rec.closed, &f); err != nil {
		return nil, err
	}
	return nil, &agent.StepError{Path: rec.path, Try: rec.closed.Try, Code: f.Code, Message: f.Message, From: f.Paths}
}

// callOutcome answers a call from the log.
func (rec *record) callOutcome() ([]byte, error) {
	var r reeve.AgentReturned
	if err := unmarshal(rec.closed, &r); err != nil {
		return nil, err
	}
	if r.Error != nil {
		return nil, callError(rec.path, max(1, rec.closed.Try), *r.Error)
	}
	return r.Result, nil
}

// errUnreadable is data in the log that is not of its kind's shape: it will not get better.
var errUnreadable = errors.New("the log cannot be read")

func unmarshal(e *reeve.Entry, into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return reeve.Errorf(reeve.CodeInternal, "%w: %s, entry %d of thread %s: %s", errUnreadable, e.Kind, e.Seq, e.Thread, err.Error())
	}
	return nil
}
