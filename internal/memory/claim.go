package memory

import (
	"context"
	"slices"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// maxLimit is the most that one query may ask for.
const maxLimit = 1000

// Claim gives the node threads whose time has come, the longest due first.
func (s *Store) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Claimed, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	n := s.nodes[q.Node]
	if n == nil {
		return nil, fenced("node %s has not joined or was declared dead", q.Node)
	}
	agents := s.claimable(q.Agents)
	if q.Run != "" {
		return s.claimRun(n, q, agents), nil
	}
	return s.claimOldest(n, q, agents), nil
}

// claimable is the set of these agents without the paused.
func (s *Store) claimable(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		if !s.paused[name] {
			set[name] = true
		}
	}
	return set
}

func (s *Store) claimRun(n *node, q journal.ClaimQuery, agents map[string]bool) []journal.Claimed {
	at := now()
	t := s.threads[q.Run.Thread()]
	switch {
	case t == nil || t.heapIndex < 0 || t.due.After(at): // nothing to take
	case t.head().ID != q.Run || !agents[t.head().Agent] || slices.Contains(q.Except, t.Owner):
	default:
		claimed := s.take(t, n, at)
		s.settle(t)
		return []journal.Claimed{*claimed}
	}
	return nil
}

func (s *Store) claimOldest(n *node, q journal.ClaimQuery, agents map[string]bool) []journal.Claimed {
	at := now()
	var claimed []journal.Claimed
	var passed []*thread // due, but of owners at their limit
	for len(claimed) < q.Limit {
		t := s.ready.oldest(agents, at)
		if t == nil {
			break
		}
		if slices.Contains(q.Except, t.Owner) {
			s.ready.remove(t)
			passed = append(passed, t)
			continue
		}
		claimed = append(claimed, *s.take(t, n, at))
		s.settle(t)
	}
	for _, t := range passed {
		s.settle(t)
	}
	return claimed
}

// take makes the node the thread's owner: a new fence, and an entry that tells how its run goes on.
func (s *Store) take(t *thread, n *node, at time.Time) *journal.Claimed {
	r := t.head()
	begun := r.StartedAt != nil
	tookOver := t.dead && r.Status == reeve.StatusRunning
	draft := journal.Draft{Kind: reeve.KindRunResumed, Run: r.ID}
	if tookOver {
		r.Attempt++
		r.strikes++
	}
	if tookOver || r.Status == reeve.StatusQueued {
		r.Attempt = max(r.Attempt, 1)
		draft.Kind, draft.Data = reeve.KindRunStarted, mustJSON(reeve.RunStarted{Attempt: r.Attempt})
	}
	draft.Attempt = r.Attempt
	if !begun {
		r.inputSeq = t.LastSeq
	}
	e := t.write(at, draft)
	if !begun {
		r.StartedAt = &e.At
	}
	r.Status = reeve.StatusRunning
	t.current = r
	s.letGo(t)
	t.fence++
	t.acks = nil
	t.node = n.ID
	n.holds[t] = true
	return &journal.Claimed{
		Run: r.Run, Fence: t.fence, Epoch: t.Epoch, LastSeq: t.LastSeq, InputSeq: r.inputSeq,
		Strikes: r.strikes, Replay: begun, Owner: t.Owner, Entries: []reeve.Entry{e},
	}
}

// Inbox names the node's threads that were written to from outside since the last look.
func (s *Store) Inbox(ctx context.Context, id reeve.NodeID) ([]reeve.ThreadID, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	n := s.nodes[id]
	if n == nil {
		return nil, nil
	}
	ids := make([]reeve.ThreadID, 0, len(n.inbox))
	for t := range n.inbox {
		t.marked = false
		ids = append(ids, t.ID)
	}
	clear(n.inbox)
	return ids, nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > maxLimit {
		return reeve.Errorf(reeve.CodeInvalid, "limit %d: want 1 to %d", limit, maxLimit)
	}
	return nil
}
