package memory

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// node is a living node and what it holds.
type node struct {
	journal.Node
	beats int64
	holds map[*thread]bool
	inbox map[*thread]bool // held threads that were written to from outside
}

// Join enters a node. Unless the store is shared, every other node is dead from now on.
func (s *Store) Join(ctx context.Context, n journal.Node) error {
	if n.ID == "" {
		return reeve.Errorf(reeve.CodeInvalid, "join: the node has no id")
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if !s.shared {
		for id := range s.nodes {
			if id != n.ID {
				s.bury(id)
			}
		}
	}
	if known := s.nodes[n.ID]; known != nil {
		known.Node = n
		return nil
	}
	s.nodes[n.ID] = &node{Node: n, holds: map[*thread]bool{}, inbox: map[*thread]bool{}}
	return nil
}

// Beat raises the node's counter; a node that is not there, or was declared dead, is fenced.
func (s *Store) Beat(ctx context.Context, id reeve.NodeID) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	n := s.nodes[id]
	if n == nil {
		return fenced("node %s has not joined or was declared dead", id)
	}
	n.beats++
	return nil
}

// Leave takes the node out. What it still holds can be claimed at once, as after a death.
func (s *Store) Leave(ctx context.Context, id reeve.NodeID) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.bury(id)
	return nil
}

// Kill declares a node dead, as its observers would: its beats are refused from now on
// and its threads can be claimed. It is how a takeover is brought about in tests.
func (s *Store) Kill(id reeve.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bury(id)
}

// bury frees what the node holds. Its fence still holds a thread until somebody claims it.
func (s *Store) bury(id reeve.NodeID) {
	n := s.nodes[id]
	if n == nil {
		return
	}
	at := now()
	for t := range n.holds {
		t.dead, t.marked = true, false
		s.becomeDue(t, at)
		s.settle(t)
	}
	delete(s.nodes, id)
}
