package supervisor

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// lostBound is how long after the lease's end running work may still hope for the store.
const lostBound = 30 * time.Second

// unitBound bounds a unit of the supervisor's own at the store: a claim, a look at the inbox, a leave.
const unitBound = 10 * time.Second

// leaveBound is how long a node that leaves waits for the store.
const leaveBound = 3 * time.Second

// The ends of a term's context.
var (
	errTermOver = reeve.Errorf(reeve.CodeFenced, "the node's lease is lost: its threads are free for other nodes")
	errHalted   = reeve.Errorf(reeve.CodeUnavailable, "the node has stopped")
)

// join begins a term under a fresh id.
func (s *Supervisor) join(ctx context.Context) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	t := &term{node: reeve.NodeID(id.String())}
	sent := time.Now()
	unit, cancel := context.WithTimeout(ctx, unitBound)
	defer cancel()
	if err := s.cfg.Journal.Join(unit, journal.Node{ID: t.node, Address: s.cfg.Address, Version: s.cfg.Version}); err != nil {
		return err
	}
	t.ctx, t.lose = context.WithCancelCause(s.life)
	s.lease.renew(sent)
	s.term.Store(t)
	s.log.Info("the node has joined", "node", t.node, "lease", s.cfg.Lease)
	s.rouse()
	return nil
}

// leave frees what the node still holds. It is the last thing that a node does, but for
// waiting until accepts that came too late have found that out.
func (s *Supervisor) leave() {
	if t := s.term.Swap(nil); t != nil {
		t.lose(errHalted)
		s.depart(t)
	}
	s.end()
	<-s.accepts.close()
}

func (s *Supervisor) depart(t *term) {
	unit, cancel := context.WithTimeout(context.Background(), leaveBound)
	defer cancel()
	if err := s.cfg.Journal.Leave(unit, t.node); err != nil {
		s.log.Warn("the node could not leave: others find out when its lease is over", "node", t.node, "err", err)
		return
	}
	s.log.Info("the node has left", "node", t.node)
}

// beats renews the lease, and begins a new term when this one is lost.
func (s *Supervisor) beats(ctx context.Context) {
	every := time.NewTicker(s.cfg.Lease / 3)
	defer every.Stop()
	var trouble trouble
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		err := s.beat(ctx)
		trouble.note(s.log, "the node's beat", err)
		switch {
		case reeve.CodeOf(err) == reeve.CodeFenced:
			s.renewTerm(ctx, "the node was declared dead")
		case s.lease.age() > s.cfg.Lease+lostBound:
			s.renewTerm(ctx, "no beat has gone through since long after the lease's end")
		case err == nil && s.doubts.confirmed():
			s.renewTerm(ctx, "a thread is held in this node's name without being in its hands")
		}
	}
}

// beat is bounded below the lease, so that a store that hangs does not hide that time goes on.
func (s *Supervisor) beat(ctx context.Context) error {
	t := s.term.Load()
	if t == nil {
		return errTermOver // the last renewal did not get as far as joining
	}
	unit, cancel := context.WithTimeout(ctx, s.cfg.Lease*2/3)
	defer cancel()
	sent := time.Now()
	err := s.cfg.Journal.Beat(unit, t.node)
	if err == nil {
		s.lease.renew(sent)
	}
	return err
}

// renewTerm ends the term and begins the next. When the store does not let it, the next beat tries again.
func (s *Supervisor) renewTerm(ctx context.Context, why string) {
	if t := s.term.Swap(nil); t != nil {
		s.log.Error("the node has lost its threads and joins again", "node", t.node, "reason", why, "runs", s.InFlight())
		for _, e := range s.table.list(nil) {
			e.end(why)
		}
		t.lose(errTermOver)
		s.metrics.termsLost.Inc()
		s.depart(t)
	}
	s.doubts.settle()
	if s.stopping.Load() {
		return // nothing is in hand any more, and nothing new is wanted
	}
	if err := s.join(ctx); err != nil {
		s.log.Warn("the node could not join again and goes on trying", "err", err)
	}
}

// here is the term, when the lease is good enough to take more threads in its name.
func (s *Supervisor) here() *term {
	if s.stopping.Load() || !s.lease.good() {
		return nil
	}
	return s.term.Load()
}
