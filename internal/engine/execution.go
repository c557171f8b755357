package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// Execution is one run in the hands of this node. Run is called once; the other methods
// may be called from anywhere, before, during and after it.
type Execution struct {
	cfg   *Config
	claim journal.Claimed
	run   reeve.RunID

	owner   *journal.Owner
	ctx     context.Context // the run's: ends when it is cancelled, let go or lost
	cancel  context.CancelCauseFunc
	records *records       // what the log had at the start; nil for a fresh run
	work    sync.WaitGroup // timers' functions that are under way

	mu       sync.Mutex
	begun    bool
	closed   bool
	reason   string    // of LetGo
	ended    time.Time // when ctx was ended
	pending  error     // why ctx is to end, when that was asked for before Run
	live     map[*branch]struct{}
	answers  map[string]reeve.Entry
	askers   map[string]chan reeve.Entry
	seen     int64 // the log has been read, or written by us, up to here
	messages []reeve.Message

	rest rest
}

// Begin prepares the execution of a claimed run.
func (e *Engine) Begin(c journal.Claimed) *Execution {
	x := &Execution{
		cfg: &e.cfg, claim: c, run: c.Run.ID, seen: c.LastSeq,
		live: make(map[*branch]struct{}, 1),
	}
	x.rest.init(x)
	return x
}

// Run executes until the run ends, waits, is handed over or lost. It returns only when every
// goroutine of the run has returned. The end of ctx is the loss of the thread: nothing more is written.
//
// Where the author's code ends its goroutine (runtime.Goexit) Run ends with it, after the run has been failed.
func (x *Execution) Run(ctx context.Context) Outcome {
	x.owner = x.cfg.Journal.Owner(ctx, x.claim)
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	defer x.cancel(nil)
	defer x.close()
	if x.claim.Replay {
		if err := x.load(ctx); err != nil {
			return x.finish(ctx, nil, err)
		}
	}
	x.begin()
	returned := false
	defer func() {
		if !returned {
			x.close()
			x.finish(ctx, nil, errGoexit)
		}
	}()
	out, err := x.root()
	returned = true
	x.close()
	return x.finish(ctx, out, err)
}

// log is the operator's log, for this run.
func (x *Execution) log() *slog.Logger { return x.cfg.Logger.With("run", string(x.run)) }

// begin lets in what was asked for before there was a context to end.
func (x *Execution) begin() {
	x.mu.Lock()
	x.begun = true
	pending := x.pending
	x.mu.Unlock()
	if pending != nil {
		x.end(pending)
	}
}

// close waits for the functions of timers; none begins afterwards.
func (x *Execution) close() {
	x.rest.close()
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.work.Wait()
}

// background runs fn on the calling goroutine, which a timer started, unless the execution is
// over; close waits for it.
func (x *Execution) background(fn func()) {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return
	}
	x.work.Add(1)
	x.mu.Unlock()
	defer x.work.Done()
	fn()
}

// end ends the run's context with a cause; the first cause stays.
func (x *Execution) end(cause error) {
	x.mu.Lock()
	if !x.begun {
		if x.pending == nil {
			x.pending = cause
		}
		x.mu.Unlock()
		return
	}
	if x.ended.IsZero() {
		x.ended = time.Now()
	}
	x.mu.Unlock()
	x.cancel(cause)
}

// cut is why the run's context has ended, or nil.
func (x *Execution) cut() error {
	if x.ctx.Err() == nil {
		return nil
	}
	return context.Cause(x.ctx)
}

// LetGo ends the execution for another to go on: operations return agent.ErrSuspended, and
// once all functions have returned, run.handed is written with the reason.
func (x *Execution) LetGo(reason string) {
	x.mu.Lock()
	if x.reason == "" {
		x.reason = reason
	}
	x.mu.Unlock()
	x.end(agent.ErrSuspended)
}

// Deliver tells the execution what somebody wrote to its thread: answers and
// requests to cancel. It does not block. Entries that it knows already do no harm.
func (x *Execution) Deliver(entries []reeve.Entry) {
	for i := range entries {
		if entries[i].Run != x.run {
			continue
		}
		switch entries[i].Kind {
		case reeve.KindCancelRequested:
			x.end(agent.ErrCancelled)
		case reeve.KindAskAnswered:
			x.answer(entries[i])
		}
	}
}

// sync reads what the log has beyond what the execution has seen, and delivers it.
func (x *Execution) sync(ctx context.Context) error {
	x.mu.Lock()
	after := x.seen
	x.mu.Unlock()
	for e, err := range x.cfg.Journal.All(ctx, journal.EntryQuery{Thread: x.claim.Run.Thread, After: after}) {
		if err != nil {
			return err
		}
		x.Deliver([]reeve.Entry{e})
		x.note(e.First, e.Seq)
	}
	return nil
}

// note moves what has been seen on, when it follows without a hole.
func (x *Execution) note(first, last int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if first <= x.seen+1 && last > x.seen {
		x.seen = last
	}
}

// write appends, and ends the execution when the thread is somebody else's.
func (x *Execution) write(change *journal.Change, drafts ...journal.Draft) error {
	res, err := x.owner.Append(change, drafts...)
	switch {
	case err == nil:
		if n := len(res.Entries); n > 0 {
			x.note(res.Entries[0].First, res.Entries[n-1].Seq)
		}
	case x.lost(err):
		x.end(err)
	}
	return err
}

// draft is an entry of this run.
func (x *Execution) draft(kind reeve.Kind, path string, data []byte) journal.Draft {
	return journal.Draft{Kind: kind, Run: x.run, Path: path, Attempt: x.claim.Run.Attempt, Data: data}
}

// unfit says whether the log refused what was to be written, for what it is: too large, or not what the
// database or Redact can take. Trouble and a lost thread are something else.
func (x *Execution) unfit(err error) bool {
	e, ok := errors.AsType[*reeve.Error](err)
	return ok && !x.lost(err) && (e.Code == reeve.CodeTooLarge || e.Code == reeve.CodeInvalid || e.Code == reeve.CodeInternal)
}

// lost says whether the error means that the thread is not ours any more.
func (x *Execution) lost(err error) bool {
	return reeve.CodeOf(err) == reeve.CodeFenced || x.owner.Gone()
}
