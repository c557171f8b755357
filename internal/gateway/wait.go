package gateway

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// parseWait reads ?wait: a Go duration up to the limit; 0 without one. The error has CodeInvalid.
func (g *Gateway) parseWait(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if longest := wire.MS(g.Limits.WaitMS); err != nil || d < 0 || d > longest {
		return 0, reeve.Errorf(reeve.CodeInvalid, "wait %q: want a duration such as 30s, at most %s", s, longest)
	}
	return d, nil
}

// startAndWait starts a run and gives it as it stands when it has ended or the wait is over.
func (g *Gateway) startAndWait(ctx context.Context, who auth.Principal, a *journal.Accept, wait time.Duration) (journal.Result, error) {
	leave, err := g.enterStream()
	if err != nil {
		return journal.Result{}, err
	}
	defer leave()
	woken := make(chan struct{}, 1)
	asking, cancel := context.WithTimeout(ctx, g.requestTime())
	defer cancel()
	res, f, err := g.startFollowed(asking, who, a, signal(woken), g.newBudget())
	if err != nil {
		return res, err
	}
	defer g.endFollower(f)
	g.untilDone(ctx, f, woken, wait)
	res.Run, err = g.Log.Run(asking, res.Run.ID)
	return res, err
}

// runAfter gives a run when it has ended, or as it stands when the wait is over.
func (g *Gateway) runAfter(ctx context.Context, who auth.Principal, id reeve.RunID, wait time.Duration) (reeve.Run, error) {
	run, err := visibleRun(ctx, g.Log, who, id)
	if err != nil || wait == 0 || run.Status.Ended() {
		return run, err
	}
	leave, err := g.enterStream()
	if err != nil {
		return run, err
	}
	defer leave()
	woken := make(chan struct{}, 1)
	f := g.newFollower(target{thread: id.Thread(), run: id}, signal(woken), g.newBudget())
	defer g.endFollower(f)
	if err := g.openAtHead(ctx, f, who); err != nil {
		return run, err
	}
	g.untilDone(ctx, f, woken, wait)
	return visibleRun(ctx, g.Log, who, id)
}

// openAtHead follows from the thread's end: what has been is of no interest.
func (g *Gateway) openAtHead(ctx context.Context, f *follower, who auth.Principal) error {
	thread, err := visibleThread(ctx, g.Log, who, f.on.thread)
	if err != nil {
		return err
	}
	return f.open(ctx, who, place{after: thread.LastSeq, epoch: noEpoch})
}

// untilDone lets a follower run dry until its run has ended, the wait is over, or the gateway
// closes. Trouble on the way ends the wait: the caller reads the run in any case.
func (g *Gateway) untilDone(ctx context.Context, f *follower, woken <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		p, err := f.next(ctx)
		f.box.written() // nobody reads it
		if err != nil || p.done {
			return
		}
		if p.more {
			continue
		}
		select {
		case <-woken:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-g.ctx.Done():
			return
		}
	}
}

// signal is a notify function that leaves at most one mark.
func signal(c chan<- struct{}) func() {
	return func() {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
