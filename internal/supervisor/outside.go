package supervisor

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// Accept starts a run. Where the node has room, the commit that accepts it also gives it to
// the node, and it begins at once. An agent that is not here is CodeAgentUnknown, an input that it
// could not read CodeInvalid; a node that stops says CodeUnavailable. When ctx ends first, the run may
// have been started all the same.
func (s *Supervisor) Accept(ctx context.Context, a *journal.Accept) (journal.Result, error) {
	r, known := s.agents[a.Agent]
	if !known {
		return journal.Result{}, s.errUnknown(a.Agent)
	}
	if err := agent.CheckInput(r, a.Input); err != nil {
		return journal.Result{}, err
	}
	if s.stopping.Load() || !s.accepts.enter() {
		return journal.Result{}, reeve.Errorf(reeve.CodeUnavailable, "the server is stopping: try again at once")
	}
	done := make(chan answer, 1)
	// The client may leave; what the commit then gives to this node must still be taken into its
	// hands. The gate owns the goroutine.
	go func() {
		defer s.accepts.leave()
		res, err := s.accept(*a)
		done <- answer{res, err}
	}()
	select {
	case got := <-done:
		return got.res, got.err
	case <-ctx.Done():
		return journal.Result{}, context.Cause(ctx)
	}
}

type answer struct {
	res journal.Result
	err error
}

func (s *Supervisor) accept(a journal.Accept) (journal.Result, error) {
	if a.Version == "" {
		a.Version = s.agents[a.Agent].Version()
	}
	a.Take = ""
	t := s.here()
	reserved := t != nil && s.slots.reserve(a.Owner)
	if reserved {
		a.Take = t.node
	}
	res, err := s.cfg.Journal.Do(s.life, &a)
	if err != nil && reserved && unsure(err) {
		s.doubts.add(a.Thread)
	}
	if err == nil && s.cfg.Own {
		s.own.remember(res.Run)
	}
	if res.Claimed != nil {
		s.begin(t, *res.Claimed)
	} else if reserved {
		s.slots.release(a.Owner)
	}
	s.table.deliver(res.Entries)
	return res, err
}

// Answer closes a question; an execution that waits for it here goes on at once.
func (s *Supervisor) Answer(ctx context.Context, a *journal.Answer) (journal.Result, error) {
	return s.pass(ctx, a)
}

// Cancel asks a run to end. It is `cancelled` only when every agent of its tree has returned.
func (s *Supervisor) Cancel(ctx context.Context, c *journal.Cancel) (journal.Result, error) {
	return s.pass(ctx, c)
}

// Retry queues a failed run again: what is in its log replays, and the failed step runs.
func (s *Supervisor) Retry(ctx context.Context, r *journal.Retry) (journal.Result, error) {
	res, err := s.pass(ctx, r)
	if err == nil && s.cfg.Own {
		s.own.remember(res.Run)
	}
	return res, err
}

// pass writes and delivers what was written to the execution that it is for. Where that is not
// in hand yet, the inbox brings it within a second.
func (s *Supervisor) pass(ctx context.Context, op journal.Op) (journal.Result, error) {
	res, err := s.cfg.Journal.Do(ctx, op)
	if err == nil {
		s.table.deliver(res.Entries)
	}
	return res, err
}
