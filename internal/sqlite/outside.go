package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// answer closes an open question.
func (b *batch) answer(o *journal.Answer) (journal.Result, error) {
	t, r, err := b.findRun(o.Run)
	if err != nil {
		return journal.Result{}, err
	}
	d := journal.Draft{Kind: reeve.KindAskAnswered, Run: o.Run, Path: o.Path, Attempt: r.attempt}
	err = b.row(stFindAsk, t.k, r.n, o.Path).Scan(&d.Scope, &d.Name, &d.N)
	if errors.Is(err, sql.ErrNoRows) || err == nil && r.status.ended() {
		return journal.Result{}, conflict("run %s has no open question at %q", o.Run, o.Path)
	}
	if err != nil {
		return journal.Result{}, err
	}
	if err := b.closeAsk(t, r.n, o.Path); err != nil {
		return journal.Result{}, err
	}
	if d.Data, err = answered(o); err != nil {
		return journal.Result{}, err
	}
	e := b.add(t, d, 0)
	public, err := r.public(t.id)
	return journal.Result{Entries: []reeve.Entry{e}, Run: public, Runnable: b.touch(t)}, err
}

// answered is a reeve.AskAnswered, put together so that the value keeps its bytes.
func answered(o *journal.Answer) (json.RawMessage, error) {
	by, err := json.Marshal(o.By)
	if err != nil {
		return nil, err
	}
	data := []byte(`{`)
	if len(o.Value) > 0 {
		data = append(data, `"value":`...)
		data = append(data, o.Value...)
		data = append(data, ',')
	}
	data = append(data, `"by":`...)
	return append(append(data, by...), '}'), nil
}

func (b *batch) openAsk(t *thread, d *journal.Draft) error {
	open, err := b.askIsOpen(t, d.Run.N(), d.Path)
	if err != nil {
		return err
	}
	if !open {
		t.asks++
		b.soil(t, soiled)
	}
	return b.exec(stOpenAsk, t.k, d.Run.N(), d.Path, d.Scope, d.Name, d.N)
}

func (b *batch) askIsOpen(t *thread, n int64, path string) (bool, error) {
	if t.asks == 0 {
		return false, nil
	}
	var scope, name string
	var number int
	err := b.row(stFindAsk, t.k, n, path).Scan(&scope, &name, &number)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (b *batch) closeAsk(t *thread, n int64, path string) error {
	open, err := b.askIsOpen(t, n, path)
	if err != nil || !open {
		return err
	}
	t.asks--
	b.soil(t, soiled)
	return b.exec(stCloseAsk, t.k, n, path)
}

// cancel asks a run to end.
func (b *batch) cancel(o *journal.Cancel) (journal.Result, error) {
	t, r, err := b.findRun(o.Run)
	if err != nil {
		return journal.Result{}, err
	}
	if r.status.ended() {
		return journal.Result{}, conflict("run %s is %s already", o.Run, r.status.name())
	}
	var res journal.Result
	if res.Entries, err = b.requestCancel(t, r, o.Reason); err != nil {
		return journal.Result{}, err
	}
	if len(res.Entries) > 0 {
		res.Runnable = b.touch(t)
	}
	res.Run, err = r.public(t.id)
	return res, err
}

// requestCancel writes the request once, and the end as well where no node is there to write it.
func (b *batch) requestCancel(t *thread, r *run, reason string) ([]reeve.Entry, error) {
	if r.cancelling {
		return nil, nil
	}
	data, err := json.Marshal(reeve.CancelRequested{Reason: reason})
	if err != nil {
		return nil, err
	}
	id := reeve.MakeRunID(t.id, r.n)
	r.cancelling = true
	written := []reeve.Entry{b.add(t, journal.Draft{Kind: reeve.KindCancelRequested, Run: id, Attempt: r.attempt, Data: data}, 0)}
	if err := b.exec(stMarkCancelling, t.k, r.n); err != nil {
		return nil, err
	}
	if r.status == running || t.node != 0 && t.head == r.n {
		return written, nil
	}
	written = append(written, b.add(t, journal.Draft{Kind: reeve.KindRunCancelled, Run: id, Attempt: r.attempt}, 0))
	r.status, r.lastSeq, r.finishedAt = cancelled, t.lastSeq, t.at
	return written, b.finish(t, r.n, cancelled, nil, nil)
}

// retry queues a failed run again. Its number gives it its place in the queue.
func (b *batch) retry(o *journal.Retry) (journal.Result, error) {
	t, r, err := b.findRun(o.Run)
	if err != nil {
		return journal.Result{}, err
	}
	if r.status != failed {
		return journal.Result{}, conflict("run %s is %s: only a failed run can be retried", o.Run, r.status.name())
	}
	data, err := json.Marshal(reeve.RunQueued{Agent: r.agent, Retry: true})
	if err != nil {
		return journal.Result{}, err
	}
	if err := b.exec(stRequeue, t.k, r.n); err != nil {
		return journal.Result{}, err
	}
	r.status, r.cancelling, r.lastSeq, r.finishedAt, r.failure = queued, false, 0, 0, nil
	if r.n == t.front {
		t.pruneAt = 0
	}
	b.enqueue(t, r.n, r.agent)
	e := b.add(t, journal.Draft{Kind: reeve.KindRunQueued, Run: o.Run, Attempt: r.attempt, Data: data}, 0)
	public, err := r.public(t.id)
	return journal.Result{Entries: []reeve.Entry{e}, Run: public, Runnable: b.touch(t)}, err
}
