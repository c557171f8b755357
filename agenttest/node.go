package agenttest

import (
	"context"
	"errors"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
)

var errDead = errors.New("agenttest: the node has died")

// node is one that has the run for a while. It is the store that its journal sees.
type node struct {
	journal.Store
	w      *world
	id     reeve.NodeID
	ctx    context.Context
	cancel context.CancelCauseFunc
	dead   bool // w.mu guards it
}

// Commit writes as long as the node lives, one batch after the other with everybody else.
func (n *node) Commit(ctx context.Context, batch []journal.Op) ([]journal.Result, error) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.dead {
		return nil, errDead
	}
	results, err := n.Store.Commit(ctx, batch)
	for i := range results {
		n.w.look(results[i].Entries)
	}
	return results, err
}

// die is for who holds w.mu: nothing is written from now on.
func (n *node) die() {
	n.dead = true
	n.cancel(errDead)
}

// drive gives the run to one node after the other until there is nothing left to wait for.
func (w *world) drive() {
	w.t.Helper()
	for w.life() {
	}
}

// life is one node, from its joining to its death; more says that another is needed.
func (w *world) life() (more bool) {
	w.t.Helper()
	n := &node{Store: w.store, w: w}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	w.mu.Lock()
	n.id, w.node = w.nextNode(), n
	w.mu.Unlock()
	w.join(n.id)
	// Rows are committed one by one, so that a death can come after each.
	j := journal.New(n, journal.Config{MaxRows: 1, Logger: w.logger(n.id)})
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = j.Run(n.ctx) }() // its error is the end of n.ctx
	defer func() {
		n.cancel(nil)
		<-stopped
	}()
	e := engine.New(engine.Config{Journal: j, Agents: map[string]agent.Runnable{w.agent.Name(): w.agent}, Logger: w.logger(n.id)})
	for n.ctx.Err() == nil {
		if !w.turn(n, j, e) {
			return false
		}
	}
	return true
}

// turn claims the run and executes it, or waits until it can be claimed; false when it never will.
func (w *world) turn(n *node, j *journal.Journal, e *engine.Engine) bool {
	w.t.Helper()
	acts := w.actsSoFar()
	claimed, err := j.Claim(n.ctx, journal.ClaimQuery{Node: n.id, Agents: []string{w.agent.Name()}, Run: w.id, Limit: 1})
	switch {
	case n.ctx.Err() != nil:
		return true
	case err != nil:
		w.t.Fatalf("agenttest: claim: %v", err)
	case len(claimed) == 0:
		return w.wait(n, acts)
	}
	w.saw(claimed[0].Entries)
	w.execute(n, e, claimed[0])
	return true
}

func (w *world) execute(n *node, e *engine.Engine, c journal.Claimed) {
	x := e.Begin(c)
	w.mu.Lock()
	w.running = x
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.running = nil
		w.mu.Unlock()
	}()
	// What came from outside between the claim and now was told to nobody.
	if late, err := w.store.Entries(n.ctx, journal.EntryQuery{Thread: thread, After: c.LastSeq, Limit: 1000}); err == nil {
		x.Deliver(late)
	}
	x.Run(n.ctx)
}

// wait sleeps until the run's time has come or something has come from outside. It says false when
// the run has ended, or when neither will ever happen.
func (w *world) wait(n *node, acts int) bool {
	w.t.Helper()
	s := w.story()
	if s.run.Status.Ended() {
		return false
	}
	until, timed := s.until()
	w.mu.Lock()
	idle := w.doing == 0 && w.acts == acts
	w.mu.Unlock()
	if idle && !timed {
		return false
	}
	var due <-chan time.Time
	if timed {
		timer := time.NewTimer(max(0, time.Until(until)))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-w.wake:
	case <-n.ctx.Done():
	}
	return true
}
