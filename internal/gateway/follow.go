package gateway

import (
	"context"
	"sync/atomic"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// What one reading takes of the log at most.
const (
	readEntries = 500
	readBytes   = 1 << 20
)

// target is what is followed: a thread, or one run of it.
type target struct {
	thread reeve.ThreadID
	run    reeve.RunID
}

// place is where a client wants to follow from.
type place struct {
	after int64
	epoch int64 // noEpoch when the client did not say
}

const noEpoch = -1

// follower tells the entries of a target from a position on, each once and none left
// out: first the past, read from the log, then what hints bring. Entries of other runs
// are covered by First, so that for its reader each First is the last Seq + 1.
//
// A follower is a state machine without a goroutine. One goroutine at a time calls
// next; notify, which must not block, says when calling it is worth while.
type follower struct {
	log    journal.Reader
	on     target
	box    mailbox
	cancel func() // of the subscription
	leave  func() // of the shared look at heads

	pos     int64 // everything up to here is told, or not this run's
	told    int64 // the last position told, or the one asked for
	goal    int64 // the past ends here
	end     int64 // the last entry of a run that had ended when following began; 0: it had not
	past    bool  // the past is not told yet
	ended   bool  // the last entry told ends the run, but a retry may stand behind it
	done    bool
	current atomic.Pointer[reeve.RunID] // the run that is running, for its beats; "" for none
}

// portion is what a follower has to tell at one time.
type portion struct {
	entries []reeve.Entry
	live    bool  // the past ends with this portion
	seq     int64 // of live
	done    bool  // the run has ended; nothing will follow
	more    bool  // call next again at once
}

// newFollower subscribes. It is followed by open or begin, and ended by endFollower.
func (g *Gateway) newFollower(on target, notify func(), b *budget) *follower {
	f := &follower{log: g.Log, on: on, past: true}
	f.box = mailbox{run: on.run, epoch: noEpoch, budget: b, notify: notify}
	f.running(on.run)
	f.cancel = g.Hints.Subscribe(on.thread, f.box.put)
	f.leave = g.clock.join(f)
	g.metrics.follows.Inc()
	return f
}

func (g *Gateway) endFollower(f *follower) {
	f.cancel()
	f.leave()
	f.box.close()
	g.metrics.follows.Dec()
}

// open begins at a client's position. The error has CodeNotFound when who may not see the
// target, and is a *wire.ResetError when the position cannot be served. A follower of a run that
// has ended before the position is done at once.
func (f *follower) open(ctx context.Context, who auth.Principal, from place) error {
	var run reeve.Run
	start := from
	if f.on.run != "" {
		var err error
		if run, err = visibleRun(ctx, f.log, who, f.on.run); err != nil {
			return err
		}
		start.after = max(from.after, run.FirstSeq-1)
	}
	// The thread is read after the run, so that it has come at least as far.
	thread, err := visibleThread(ctx, f.log, who, f.on.thread)
	if err != nil {
		return err
	}
	if err := servable(thread, start); err != nil {
		return err
	}
	f.box.follows(f.on.run, thread.Epoch)
	f.pos, f.told, f.goal = start.after, from.after, thread.LastSeq
	if run.Status.Ended() {
		f.end = run.LastSeq
		f.done = from.after >= run.LastSeq
		f.running("")
	}
	return nil
}

// servable checks a position against what the thread has.
func servable(t reeve.Thread, from place) error {
	reset := &wire.ResetError{First: t.FirstSeq, Epoch: t.Epoch}
	switch {
	case from.epoch != noEpoch && from.epoch != t.Epoch:
		reset.Reason = wire.ResetEpoch
	case from.after > t.LastSeq:
		reset.Reason = wire.ResetBeyond
	case from.after < t.FirstSeq-1:
		reset.Reason = wire.ResetPruned
	default:
		return nil
	}
	return reset
}

// begin starts at a run that was accepted just now, with the entries that the commit wrote.
func (f *follower) begin(res journal.Result) {
	f.on.run = res.Run.ID
	f.running(f.on.run)
	f.pos = res.Run.FirstSeq - 1
	f.told = f.pos
	if len(res.Entries) == 0 || res.Entries[0].First > f.pos+1 {
		f.box.follows(f.on.run, noEpoch)
		f.goal = res.LastSeq
		return
	}
	f.past = false
	f.box.follows(f.on.run, res.Entries[0].Epoch)
	f.box.covered(f.pos)
	f.box.put(res.LastSeq, res.Entries)
}

// next tells what there is and does not wait for more. What comes with an error is to be told
// first. The error is a *wire.ResetError, CodeRateLimited for a slow reader, CodeNotFound for a
// thread that was deleted, or the store's own, after which next may be called again.
func (f *follower) next(ctx context.Context) (portion, error) {
	switch {
	case f.done:
		return portion{done: true, live: f.past, seq: f.told}, nil
	case f.past:
		return f.tellPast(ctx)
	}
	l := f.box.take()
	p := f.tell(l.entries)
	f.pos = max(f.pos, l.tail)
	if err := f.fated(ctx, l.fate); err != nil {
		return p, err
	}
	if l.last > f.pos {
		return f.catchUp(ctx, p)
	}
	f.done = f.ended
	p.done = f.done
	return p, nil
}

func (f *follower) fated(ctx context.Context, is fate) error {
	switch is {
	case fateSlow:
		return reeve.Errorf(reeve.CodeRateLimited, "too much waits to be read: come back at your last position")
	case fateGone:
		return reeve.Errorf(reeve.CodeNotFound, "thread %s was deleted", f.on.thread)
	case fateEpoch:
		return f.lost(ctx, wire.ResetEpoch)
	}
	return nil
}

// tellPast reads on towards the goal. Of a run's past, only the run's entries are read.
func (f *follower) tellPast(ctx context.Context) (portion, error) {
	var p portion
	if f.pos < f.goal {
		entries, err := f.read(ctx, f.on.run)
		if err != nil {
			return p, err
		}
		if len(entries) == 0 && (f.on.run == "" || f.pos < f.end) {
			return p, f.lost(ctx, wire.ResetPruned)
		}
		p = f.tell(entries)
		if len(entries) == 0 {
			f.pos = f.goal
		}
	}
	if err := f.settle(ctx); err != nil {
		return p, err
	}
	if p.done = f.done; !f.done && f.pos < f.goal {
		p.more = true
		return p, nil
	}
	f.past = false
	f.box.covered(f.pos)
	p.live, p.seq, p.more = true, f.told, !f.done
	return p, nil
}

// settle finds out whether an end that was read is the run's last: after a retry it goes on.
func (f *follower) settle(ctx context.Context) error {
	if !f.ended || f.end == f.told {
		f.done = f.ended
		return nil
	}
	run, err := f.log.Run(ctx, f.on.run)
	if err != nil {
		return err
	}
	f.done = run.Status.Ended() && run.LastSeq <= f.told
	return nil
}

// catchUp reads what the hints did not bring. The log is read whole here, not the run alone,
// so that the position is exact without another look.
func (f *follower) catchUp(ctx context.Context, p portion) (portion, error) {
	entries, err := f.read(ctx, "")
	if err != nil {
		return p, err
	}
	before := f.pos
	read := f.tell(entries)
	f.box.covered(f.pos)
	p.entries = append(p.entries, read.entries...)
	// An end is believed only once the log is read to where it is known to have come.
	p.more = f.pos > before
	return p, nil
}

// read takes the next stretch of the log and refuses one with a hole before it.
func (f *follower) read(ctx context.Context, run reeve.RunID) ([]reeve.Entry, error) {
	entries, err := f.log.Entries(ctx, journal.EntryQuery{
		Thread: f.on.thread, After: f.pos, Run: run, Limit: readEntries, MaxBytes: readBytes,
	})
	if err != nil {
		return nil, err
	}
	if run == "" && len(entries) > 0 && entries[0].First > f.pos+1 {
		return nil, f.lost(ctx, wire.ResetPruned)
	}
	return entries, nil
}

// lost is the reset for a position that could be served before.
func (f *follower) lost(ctx context.Context, why wire.ResetReason) error {
	thread, err := f.log.Thread(ctx, f.on.thread)
	if err != nil {
		return err
	}
	return &wire.ResetError{Reason: why, First: thread.FirstSeq, Epoch: thread.Epoch}
}

// tell keeps the target's entries, moves the position over all of them, and joins each to the
// one before by First. The slice is the follower's own.
func (f *follower) tell(entries []reeve.Entry) portion {
	p := portion{entries: entries[:0]}
	for _, e := range entries {
		f.pos = max(f.pos, e.Seq)
		if f.on.run != "" && e.Run != f.on.run {
			continue
		}
		e.First, f.told = f.told+1, e.Seq
		f.watch(e)
		p.entries = append(p.entries, e)
	}
	return p
}

// watch keeps in mind which run is running, and whether the followed one has ended.
func (f *follower) watch(e reeve.Entry) {
	switch {
	case e.Kind == reeve.KindRunStarted || e.Kind == reeve.KindRunResumed:
		f.running(e.Run)
	case e.Kind.Ends():
		f.running("")
	}
	f.ended = f.on.run != "" && e.Kind.Ends()
}

// findRunning looks for the run of a thread that was started before following began, for its beats.
// Without an answer there are none until the next run.
func (f *follower) findRunning(ctx context.Context) {
	if f.on.run != "" || *f.current.Load() != "" {
		return
	}
	runs, err := f.log.Runs(ctx, journal.RunQuery{Thread: f.on.thread, Status: reeve.StatusRunning, Limit: 1})
	if err == nil && len(runs) == 1 {
		f.running(runs[0].ID)
	}
}

func (f *follower) running(run reeve.RunID) { f.current.Store(&run) }
