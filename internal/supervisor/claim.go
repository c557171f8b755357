package supervisor

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// Claims are looked for on a hint and once a second, by hundreds.
const (
	claimEvery = time.Second
	claimBatch = 100
)

// A run is poisoned when so many nodes in a row have died with it in hand, with nothing new
// recorded, and over so long: a machine that is killed again and again within seconds takes every run
// with it, and says nothing about any of them.
const (
	maxStrikes = 5
	poisonSpan = 30 * time.Second
)

// claims takes threads until ctx ends.
func (s *Supervisor) claims(ctx context.Context) {
	every := time.NewTicker(claimEvery)
	defer every.Stop()
	var trouble trouble
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-every.C:
		}
		trouble.note(s.log, "a claim", s.claimAll(ctx))
	}
}

// claimAll claims until a claim comes back short.
func (s *Supervisor) claimAll(ctx context.Context) error {
	if s.cfg.Own {
		return s.claimOwn()
	}
	for ctx.Err() == nil {
		limit, n, err := s.claim("")
		if err != nil || n < limit || n == 0 {
			return err
		}
	}
	return nil
}

// claimOwn looks after the runs that were accepted here, and no others.
func (s *Supervisor) claimOwn() error {
	for _, run := range s.own.list() {
		if s.stopping.Load() {
			break
		}
		if e := s.table.of(run); e != nil && e.ending.Load() == nil {
			continue
		}
		if _, _, err := s.claim(run); err != nil {
			return err
		}
	}
	return nil
}

// claim takes up to a batch of threads in one unit. A node that stops meanwhile lets the
// unit come to its end: what it gave is then handed over.
func (s *Supervisor) claim(only reeve.RunID) (limit, n int, err error) {
	t := s.here()
	if t == nil {
		return 0, 0, nil
	}
	limit, except := s.slots.claim(claimBatch)
	var claimed []journal.Claimed
	if limit > 0 {
		unit, cancel := context.WithTimeout(s.life, unitBound)
		claimed, err = s.cfg.Journal.Claim(unit, journal.ClaimQuery{
			Node: t.node, Agents: s.names, Run: only, Except: except, Limit: limit,
		})
		cancel()
	}
	owners := make([]string, len(claimed))
	for i := range claimed {
		owners[i] = claimed[i].Owner
	}
	s.slots.claimed(owners)
	if err != nil {
		return limit, 0, err
	}
	for i := range claimed {
		s.begin(t, claimed[i])
	}
	return limit, len(claimed), nil
}

// begin takes a claimed thread into the node's hands. Its slot has been reserved. When the term
// is over the thread is free already, or will be as soon as the node has left.
func (s *Supervisor) begin(t *term, c journal.Claimed) {
	if t.ctx.Err() != nil {
		s.slots.release(c.Owner)
		return
	}
	s.metrics.claimed(&c)
	e := newExecution(t, s.engine.Begin(c), c)
	s.table.add(e)
	go func() { // owned by the table: Run waits until it is empty
		defer s.release(e)
		switch {
		case c.Strikes >= maxStrikes && s.poisoned(t.ctx, c):
			s.poison(e)
		case s.stopping.Load():
			s.handOver(e)
		default:
			s.execute(e)
		}
	}()
}

func (s *Supervisor) release(e *execution) {
	s.slots.release(e.claim.Owner)
	s.table.remove(e) // the last thing: Run may return when the table is empty
}
