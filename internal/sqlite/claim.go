package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// maxLimit is the most that one query may ask for.
const maxLimit = 1000

func checkLimit(limit int) error {
	if limit < 1 || limit > maxLimit {
		return reeve.Errorf(reeve.CodeInvalid, "limit %d: want 1 to %d", limit, maxLimit)
	}
	return nil
}

// Claim gives the node threads whose time has come, the longest due first.
func (s *Store) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Claimed, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	var claimed []journal.Claimed
	err := s.inBatch(ctx, "claim", func(b *batch) (err error) {
		claimed, err = b.claim(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

func (b *batch) claim(q journal.ClaimQuery) ([]journal.Claimed, error) {
	node, err := b.node(q.Node)
	if err != nil {
		return nil, err
	}
	if node == 0 {
		return nil, fenced("node %s has not joined or was declared dead", q.Node)
	}
	agents, err := b.claimable(q.Agents)
	if err != nil {
		return nil, err
	}
	if q.Run != "" {
		return b.claimRun(node, q, agents)
	}
	return b.claimOldest(node, q, agents)
}

// claimable is the agents without the paused, each once.
func (b *batch) claimable(names []string) ([]string, error) {
	var agents []string
	for _, name := range names {
		paused, err := b.isPaused(name)
		if err != nil {
			return nil, err
		}
		if !paused && !slices.Contains(agents, name) {
			agents = append(agents, name)
		}
	}
	return agents, nil
}

func (b *batch) claimRun(node int64, q journal.ClaimQuery, agents []string) ([]journal.Claimed, error) {
	t, err := b.thread(q.Run.Thread())
	if err != nil || t == nil || !t.runnable(b.now) || reeve.MakeRunID(t.id, t.head) != q.Run ||
		!slices.Contains(agents, t.agent) || slices.Contains(q.Except, t.owner) {
		return nil, err
	}
	r, err := b.readRun(t, t.head)
	if err != nil {
		return nil, err
	}
	claimed, err := b.take(t, r, node)
	if err != nil {
		return nil, err
	}
	return []journal.Claimed{claimed}, b.started(r)
}

// due is a thread that can be claimed.
type due struct{ k, at int64 }

func (b *batch) claimOldest(node int64, q journal.ClaimQuery, agents []string) ([]journal.Claimed, error) {
	found, err := b.oldest(q, agents)
	if err != nil {
		return nil, err
	}
	heads, err := b.heads(found)
	if err != nil {
		return nil, err
	}
	claimed := make([]journal.Claimed, 0, len(found))
	for _, d := range found {
		h := heads[d.k]
		c, err := b.take(h.thread, h.run, node)
		if err != nil {
			return nil, err
		}
		if err := b.started(h.run); err != nil {
			return nil, err
		}
		claimed = append(claimed, c)
	}
	return claimed, nil
}

// oldest asks the index for each agent's oldest and merges them.
func (b *batch) oldest(q journal.ClaimQuery, agents []string) ([]due, error) {
	except, err := json.Marshal(q.Except)
	if err != nil {
		return nil, err
	}
	var found []due
	add := func(rows *sql.Rows) (bool, error) {
		var d due
		err := rows.Scan(&d.k, &d.at)
		found = append(found, d)
		return true, err
	}
	for _, agent := range agents {
		if len(q.Except) == 0 {
			err = b.each(stDue, add, agent, b.now, q.Limit)
		} else {
			err = b.each(stDueExcept, add, agent, b.now, string(except), q.Limit)
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(x, y due) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.k, y.k)) })
	return found[:min(len(found), q.Limit)], nil
}

// head is a thread with the run whose turn it is.
type head struct {
	thread *thread
	run    *run
}

// heads reads the threads and their head runs. A row that is remembered stays the one.
func (b *batch) heads(found []due) (map[int64]head, error) {
	keys := make([]any, len(found))
	for i, d := range found {
		keys[i] = d.k
	}
	heads := make(map[int64]head, len(found))
	var read []*thread
	err := b.lookup(chHeadRuns, keys, func(rows *sql.Rows) error {
		h := head{thread: &thread{}, run: &run{}}
		if err := rows.Scan(append(h.thread.targets(), h.run.targets()...)...); err != nil {
			return err
		}
		if known := b.threads.rows[h.thread.id]; known != nil {
			h.thread = known
		} else {
			read = append(read, h.thread)
		}
		heads[h.thread.k] = h
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, b.catchUp(read)
}

// take makes the node the thread's owner: a new fence, and an entry that tells how its
// run goes on. The run's row is the caller's to write.
func (b *batch) take(t *thread, r *run, node int64) (journal.Claimed, error) {
	first := r.startedAt == 0
	takeover := t.died && t.status == running
	if takeover {
		r.attempt++
		t.strikes++
	}
	d := journal.Draft{Kind: reeve.KindRunResumed, Run: reeve.MakeRunID(t.id, r.n)}
	if takeover || t.status == queued {
		r.attempt = max(r.attempt, 1)
		data, err := json.Marshal(reeve.RunStarted{Attempt: r.attempt})
		if err != nil {
			return journal.Claimed{}, err
		}
		d.Kind, d.Data = reeve.KindRunStarted, data
	}
	d.Attempt = r.attempt
	if first {
		r.inputSeq = t.lastSeq
	}
	e := b.add(t, d, 0)
	if first {
		r.startedAt = t.at
	}
	r.status, t.status = running, running
	t.letGo()
	b.soil(t, soiled)
	t.fence++
	t.node, t.ack, t.ackSeq = node, 0, 0
	public, err := r.public(t.id)
	return journal.Claimed{
		Run: public, Fence: t.fence, Epoch: t.epoch, LastSeq: t.lastSeq, InputSeq: r.inputSeq,
		Strikes: int(t.strikes), Replay: !first, Owner: t.owner, Entries: []reeve.Entry{e},
	}, err
}

// started writes what take made of a run that is in the database already.
func (b *batch) started(r *run) error {
	return b.exec(stStartRun, r.attempt, r.startedAt, r.inputSeq, r.thread, r.n)
}

// Inbox names the node's threads that were written to from outside since the last look.
func (s *Store) Inbox(ctx context.Context, id reeve.NodeID) ([]reeve.ThreadID, error) {
	var ids []reeve.ThreadID
	err := s.inBatch(ctx, "inbox", func(b *batch) (err error) {
		ids, err = b.inbox(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

func (b *batch) inbox(id reeve.NodeID) ([]reeve.ThreadID, error) {
	node, err := b.node(id)
	if err != nil || node == 0 {
		return nil, err
	}
	var ids []reeve.ThreadID
	err = b.each(stInbox, func(rows *sql.Rows) (bool, error) {
		var id reeve.ThreadID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return true, err
	}, node)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	for _, id := range ids {
		if t := b.threads.rows[id]; t != nil {
			t.inbox = false
		}
	}
	return ids, b.exec(stClearInbox, node)
}
