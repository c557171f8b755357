package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// accept starts a run from outside, or finds the one that its key stands for.
func (b *batch) accept(o *journal.Accept) (journal.Result, error) {
	t := b.touched[o.Thread]
	switch {
	case t == nil && o.Create: // made below, once nothing can refuse
	case t == nil || t.owner != o.Owner:
		return journal.Result{}, reeve.Errorf(reeve.CodeNotFound, "thread %s: not found", o.Thread)
	case o.Key != "":
		res, known, err := b.existing(t, o)
		if known || err != nil {
			return res, err
		}
	}
	if t != nil && t.head != 0 && o.OnBusy == reeve.Reject {
		return journal.Result{}, reeve.Errorf(reeve.CodeBusy, "thread %s is busy with run %s", t.id, reeve.MakeRunID(t.id, t.head))
	}
	taker, err := b.taker(o)
	if err != nil {
		return journal.Result{}, err
	}
	if t == nil {
		if t, err = b.addThread(reeve.Thread{ID: o.Thread, Owner: o.Owner, Title: o.Title, Metadata: o.Metadata}); err != nil {
			return journal.Result{}, err
		}
	}
	return b.start(t, o, taker)
}

// start writes the new run, and the claim of its taker when the thread is free.
func (b *batch) start(t *thread, o *journal.Accept, taker int64) (journal.Result, error) {
	res := journal.Result{}
	var err error
	if o.OnBusy == reeve.Interrupt {
		if res.Entries, err = b.interrupt(t); err != nil {
			return journal.Result{}, err
		}
	}
	r, entries, err := b.addRun(t, o)
	if err != nil {
		return journal.Result{}, err
	}
	res.Entries = append(res.Entries, entries...)
	if taker != 0 && t.head == r.n && t.node == 0 {
		claimed, err := b.take(t, r, taker)
		if err != nil {
			return journal.Result{}, err
		}
		res.Claimed, res.Entries = &claimed, append(res.Entries, claimed.Entries...)
	} else {
		res.Runnable = b.touch(t)
	}
	b.newRuns, b.fresh = r.newArgs(b.newRuns), append(b.fresh, t)
	t.pending = true
	res.Run, err = r.public(t.id)
	return res, err
}

// existing answers a key that is known already.
func (b *batch) existing(t *thread, o *journal.Accept) (res journal.Result, known bool, err error) {
	var hash string
	var n int64
	err = b.row(stFindKey, t.k, o.Key).Scan(&hash, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return res, false, nil
	}
	if err != nil {
		return res, false, err
	}
	if hash != o.Hash {
		return res, false, reeve.Errorf(reeve.CodeKeyReused,
			"the Idempotency-Key stands for run %s, which was started by another request", reeve.MakeRunID(t.id, n))
	}
	r, err := b.readRun(t, n)
	if err != nil {
		return res, false, err
	}
	res.Existing = true
	res.Run, err = r.public(t.id)
	return res, true, err
}

// taker is the node that may have the run at once; 0 when it may not.
func (b *batch) taker(o *journal.Accept) (int64, error) {
	if o.Take == "" {
		return 0, nil
	}
	if paused, err := b.isPaused(o.Agent); paused || err != nil {
		return 0, err
	}
	return b.node(o.Take)
}

func (b *batch) isPaused(agent string) (bool, error) {
	if paused, known := b.paused[agent]; known {
		return paused, nil
	}
	var one int
	err := b.row(stPaused, agent).Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if b.paused == nil {
		b.paused = map[string]bool{}
	}
	b.paused[agent] = err == nil
	return err == nil, nil
}

// node is the number of a living node; 0 when it has not joined or is dead.
func (b *batch) node(id reeve.NodeID) (int64, error) {
	if k, known := b.nodes[id]; known {
		return k, nil
	}
	var k int64
	if err := b.row(stNode, string(id)).Scan(&k); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	if b.nodes == nil {
		b.nodes = map[reeve.NodeID]int64{}
	}
	b.nodes[id] = k
	return k, nil
}

// addThread makes the row of a thread that is known not to be there.
func (b *batch) addThread(row reeve.Thread) (*thread, error) {
	if err := b.knowSerials(); err != nil {
		return nil, err
	}
	b.serials.thread++
	t := &thread{
		k: b.serials.thread, id: row.ID, owner: row.Owner, createdAt: b.now, epoch: b.serials.epoch,
		fence: b.serials.fence, firstSeq: 1, front: 1, at: b.now,
	}
	b.touched[t.id] = t
	b.threads.put(t)
	b.soil(t, soiled)
	if row.Title == "" && len(row.Metadata) == 0 {
		return t, nil
	}
	if err := b.saveThreads(); err != nil { // the notes refer to it
		return nil, err
	}
	return t, b.exec(stAddNote, t.k, row.Title, blob(row.Metadata))
}

func (b *batch) knowSerials() error {
	s := &b.serials
	if s.known {
		return nil
	}
	s.known = true
	return b.row(stSerials).Scan(&s.epoch, &s.fence, &s.thread, &s.run)
}

// addRun writes the run's first two entries and makes its row; start writes that.
func (b *batch) addRun(t *thread, o *journal.Accept) (*run, []reeve.Entry, error) {
	if err := b.knowSerials(); err != nil {
		return nil, nil, err
	}
	agent, err := json.Marshal(reeve.RunQueued{Agent: o.Agent})
	if err != nil {
		return nil, nil, err
	}
	input := o.Input
	if len(input) == 0 {
		input = json.RawMessage("null")
	}
	b.serials.run = max(b.serials.run+1, b.now)
	t.runs++
	r := &run{
		id: b.serials.run, thread: t.k, n: t.runs, firstSeq: t.lastSeq + 1,
		owner: t.owner, agent: o.Agent, version: o.Version, key: o.Key, input: input,
	}
	id := reeve.MakeRunID(t.id, r.n)
	entries := []reeve.Entry{
		b.add(t, journal.Draft{Kind: reeve.KindMessageAdded, Run: id, Data: userMessage(input)}, 0),
		b.add(t, journal.Draft{Kind: reeve.KindRunQueued, Run: id, Data: agent}, 0),
	}
	b.enqueue(t, r.n, r.agent)
	return r, entries, b.addKey(t, o, r.n)
}

func (b *batch) addKey(t *thread, o *journal.Accept, n int64) error {
	if o.Key == "" {
		return nil
	}
	if err := b.saveThreads(); err != nil { // the key refers to it
		return err
	}
	return b.exec(stAddKey, t.k, o.Key, o.Hash, n)
}

// userMessage is a reeve.MessageAdded, put together so that the content keeps its bytes.
func userMessage(content json.RawMessage) json.RawMessage {
	const begin = `{"role":"` + string(reeve.RoleUser) + `","content":`
	data := make([]byte, 0, len(begin)+len(content)+1)
	data = append(data, begin...)
	data = append(data, content...)
	return append(data, '}')
}

// interrupt asks every run that has not ended to end.
func (b *batch) interrupt(t *thread) ([]reeve.Entry, error) {
	live, err := b.liveRuns(t)
	if err != nil {
		return nil, err
	}
	var written []reeve.Entry
	for _, r := range live {
		entries, err := b.requestCancel(t, r, "interrupted by a new run")
		if err != nil {
			return nil, err
		}
		written = append(written, entries...)
	}
	return written, nil
}
