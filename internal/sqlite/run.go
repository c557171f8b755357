package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/reeve-run/reeve"
)

// run is a run's row. Numbers that are 0 stand for "none".
type run struct {
	id         int64 // the instant it was made
	thread     int64
	n          int64
	status     status
	attempt    int
	cancelling bool
	firstSeq   int64
	inputSeq   int64
	lastSeq    int64
	startedAt  int64
	finishedAt int64
	owner      string
	agent      string
	version    string
	key        string
	input      []byte
	result     []byte
	failure    []byte
}

// runColumns, in the order of targets and args.
const runColumns = `id, thread, n, status, attempt, cancelling, first_seq, input_seq, last_seq, started_at, finished_at, ` +
	`owner, agent, version, key, input, result, error`

// newColumns are what differs between new runs.
const (
	newColumns = `id, thread, n, status, attempt, first_seq, input_seq, started_at, owner, agent, version, key, input`
	newWidth   = 13
)

func (r *run) targets() []any {
	return []any{
		&r.id, &r.thread, &r.n, &r.status, &r.attempt, &r.cancelling, &r.firstSeq, &r.inputSeq, &r.lastSeq, &r.startedAt, &r.finishedAt,
		&r.owner, &r.agent, &r.version, &r.key, &r.input, &r.result, &r.failure,
	}
}

func (r *run) newArgs(to []any) []any {
	return append(to,
		r.id, r.thread, r.n, int64(r.status), int64(r.attempt), r.firstSeq, r.inputSeq, r.startedAt, r.owner, r.agent, r.version, r.key, blob(r.input))
}

// public is the row as the dictionary tells it.
func (r *run) public(thread reeve.ThreadID) (reeve.Run, error) {
	out := reeve.Run{
		ID: reeve.MakeRunID(thread, r.n), Thread: thread, Owner: r.owner, Agent: r.agent, Version: r.version,
		Status: r.status.name(), Input: r.input, Result: r.result, Attempt: r.attempt, FirstSeq: r.firstSeq, LastSeq: r.lastSeq,
		CreatedAt: timeOf(r.id), StartedAt: instant(r.startedAt), FinishedAt: instant(r.finishedAt),
	}
	if len(r.failure) > 0 {
		out.Error = &reeve.Failure{}
		if err := json.Unmarshal(r.failure, out.Error); err != nil {
			return reeve.Run{}, fmt.Errorf("error of run %s: %w", out.ID, err)
		}
	}
	return out, nil
}

func instant(micro int64) *time.Time {
	if micro == 0 {
		return nil
	}
	t := timeOf(micro)
	return &t
}

// findRun reads a run and its thread's row. The error is a refusal when there is none.
func (b *batch) findRun(id reeve.RunID) (*thread, *run, error) {
	t, err := b.thread(id.Thread())
	if err != nil {
		return nil, nil, err
	}
	if t == nil {
		return nil, nil, noRun(id)
	}
	r, err := b.readRun(t, id.N())
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, noRun(id)
	}
	return t, r, err
}

func (b *batch) readRun(t *thread, n int64) (*run, error) {
	if err := b.settled(t); err != nil {
		return nil, err
	}
	r := &run{}
	if err := b.row(stRun, t.k, n).Scan(r.targets()...); err != nil {
		return nil, err
	}
	return r, nil
}

// liveRuns reads the thread's runs that have not ended, by number.
func (b *batch) liveRuns(t *thread) ([]*run, error) {
	if t.head == 0 {
		return nil, nil
	}
	if err := b.settled(t); err != nil {
		return nil, err
	}
	var live []*run
	err := b.each(stLive, func(rows *sql.Rows) (bool, error) {
		r := &run{}
		live = append(live, r)
		return true, rows.Scan(r.targets()...)
	}, t.k)
	return live, err
}

// finish ends a run at the log's end, and gives the thread to the next of its queue.
func (b *batch) finish(t *thread, n int64, to status, result []byte, failure *reeve.Failure) error {
	why, err := failureJSON(failure)
	if err != nil {
		return err
	}
	err = b.setTurn(turn{thread: t, n: n, to: to, lastSeq: t.lastSeq, finishedAt: t.at, result: result, failure: why})
	if err != nil {
		return err
	}
	if err := b.closeAsks(t, n, to); err != nil {
		return err
	}
	if n == t.front {
		t.pruneAt = t.at
	}
	if n != t.head {
		t.queued--
		b.soil(t, soiled)
		return nil
	}
	if t.started() {
		t.letGo()
	}
	t.head, t.strikes = 0, 0
	if t.queued == 0 {
		t.runnableAt = 0
		b.soil(t, idle)
		return nil
	}
	return b.nextHead(t)
}

// nextHead makes the lowest run of the queue the thread's head.
func (b *batch) nextHead(t *thread) error {
	if err := b.settled(t); err != nil {
		return err
	}
	if err := b.row(stNextLive, t.k).Scan(&t.head, &t.agent); err != nil {
		return fmt.Errorf("next run of thread %s: %w", t.id, err)
	}
	t.queued--
	t.status = queued
	b.soil(t, soiled)
	b.becomeDue(t, b.now)
	return nil
}

// closeAsks ends the run's questions. Those of a failed run stay for its retry.
func (b *batch) closeAsks(t *thread, n int64, to status) error {
	if t.asks == 0 || to == failed {
		return nil
	}
	res, err := b.tx.ExecStmt(b.ctx, b.stmts.one[stCloseAsks], t.k, n)
	if err != nil {
		return err
	}
	closed, err := res.RowsAffected()
	if closed > 0 {
		t.asks -= closed
		b.soil(t, soiled)
	}
	return err
}

// enqueue puts a run that has not been started into the thread's queue, by its number.
func (b *batch) enqueue(t *thread, n int64, agent string) {
	b.soil(t, soiled)
	switch {
	case t.head == 0:
		t.head, t.status, t.agent, t.strikes = n, queued, agent, 0
	case !t.started() && n < t.head:
		t.head, t.agent = n, agent
		t.queued++
	default:
		t.queued++
	}
}

func failureJSON(f *reeve.Failure) ([]byte, error) {
	if f == nil {
		return nil, nil
	}
	return json.Marshal(f)
}

func noRun(id reeve.RunID) error { return reeve.Errorf(reeve.CodeNotFound, "run %s: not found", id) }

func conflict(format string, args ...any) error {
	return reeve.Errorf(reeve.CodeConflict, format, args...)
}

func fenced(format string, args ...any) error {
	return reeve.Errorf(reeve.CodeFenced, format, args...)
}
