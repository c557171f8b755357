package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// batch is one writing unit under way. Ops change the threads' rows in memory and put
// rows of the log and of new runs aside; flush writes all that in few statements. An op
// that must read what an earlier one of the same thread put aside flushes first.
type batch struct {
	*Store
	ctx context.Context
	tx  *sessionsql.Tx
	now int64
	scratch
	nodes  map[reeve.NodeID]int64
	paused map[string]bool
}

// serials are the numbers that go on rising from the database's.
type serials struct {
	known  bool
	epoch  int64
	fence  int64
	thread int64
	run    int64
}

// begin starts a batch in a unit: what another connection has committed since the last
// one voids what is remembered.
func (s *Store) begin(ctx context.Context, tx *sessionsql.Tx) (*batch, error) {
	b := &batch{Store: s, ctx: ctx, tx: tx, now: clock(), scratch: s.scratch}
	if b.touched == nil {
		b.touched = map[reeve.ThreadID]*thread{}
	}
	var version int64
	if err := b.row(stVersion).Scan(&version); err != nil {
		return nil, err
	}
	if version != s.threads.version {
		s.forget()
		s.threads.version = version
	}
	return b, nil
}

// inBatch runs fn in a writing unit and writes what it left to be written.
func (s *Store) inBatch(ctx context.Context, what string, fn func(*batch) error) error {
	return s.write(ctx, what, func(ctx context.Context, tx *sessionsql.Tx) error {
		b, err := s.begin(ctx, tx)
		if err != nil {
			return err
		}
		s.scratch = scratch{} // for good, if this fails
		if err := fn(b); err != nil {
			return err
		}
		if err := b.flush(); err != nil {
			return err
		}
		clear(b.touched)
		b.params = emptied(b.params)
		s.scratch = b.scratch
		return nil
	})
}

// Commit writes a batch in one transaction and answers each op at its own place.
func (s *Store) Commit(ctx context.Context, ops []journal.Op) ([]journal.Result, error) {
	if len(ops) == 0 {
		return nil, s.open(ctx)
	}
	results := make([]journal.Result, len(ops))
	err := s.inBatch(ctx, "commit", func(b *batch) error {
		if err := b.load(ops); err != nil {
			return err
		}
		for i, op := range ops {
			if err := b.do(op, &results[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// do answers one op: a refusal goes into the result, trouble of the database comes back.
func (b *batch) do(op journal.Op, res *journal.Result) error {
	got, err := b.apply(op)
	if refusal, ok := errors.AsType[*reeve.Error](err); ok {
		got, err = journal.Result{Err: refusal}, nil
	}
	if t := b.touched[op.On()]; t != nil {
		got.LastSeq = t.lastSeq
	}
	*res = got
	return err
}

func (b *batch) apply(op journal.Op) (journal.Result, error) {
	switch o := op.(type) {
	case *journal.Append:
		return b.append(o)
	case *journal.Accept:
		return b.accept(o)
	case *journal.Answer:
		return b.answer(o)
	case *journal.Cancel:
		return b.cancel(o)
	case *journal.Retry:
		return b.retry(o)
	}
	return journal.Result{}, fmt.Errorf("sqlite: unknown op %T", op)
}

// load gets the rows of the ops' threads: from memory, else in one statement.
func (b *batch) load(ops []journal.Op) error {
	var missing []any
	for _, op := range ops {
		id := op.On()
		if _, seen := b.touched[id]; seen {
			continue
		}
		t := b.threads.rows[id]
		if b.touched[id] = t; t == nil {
			missing = append(missing, string(id))
		}
	}
	var found []*thread
	err := b.lookup(chThreads, missing, func(rows *sql.Rows) error {
		t := &thread{}
		err := rows.Scan(t.targets()...)
		found = append(found, t)
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range found {
		b.touched[t.id] = t
	}
	return b.catchUp(found)
}

// catchUp tells rows that were just read what the log has beyond them, and remembers them.
func (b *batch) catchUp(read []*thread) error {
	keys := make([]any, len(read))
	rows := make(map[int64]*thread, len(read))
	for i, t := range read {
		t.savedSeq = t.lastSeq
		keys[i], rows[t.k] = t.k, t
	}
	err := b.lookup(chTails, keys, func(r *sql.Rows) error {
		var k, seq, number, at int64
		if err := r.Scan(&k, &seq, &number, &at); err != nil {
			return err
		}
		rows[k].saw(seq, number, at)
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range read {
		b.threads.put(t)
	}
	return nil
}

// thread gets one thread's row; nil when there is none.
func (b *batch) thread(id reeve.ThreadID) (*thread, error) {
	if t, seen := b.touched[id]; seen {
		return t, nil
	}
	err := b.load([]journal.Op{&journal.Append{Thread: id}})
	return b.touched[id], err
}

// soil notes that the thread's row is to be written.
func (b *batch) soil(t *thread, d dirt) {
	if t.dirty == clean {
		b.changed = append(b.changed, t)
	}
	t.dirty = max(t.dirty, d)
}

// add puts an entry at the thread's end. Number is the owner's; 0 when it is not the owner's.
func (b *batch) add(t *thread, d journal.Draft, number int64) reeve.Entry {
	t.at = max(t.at, b.now)
	t.lastSeq++
	if t.lastSeq-t.savedSeq >= maxBehind {
		b.soil(t, behind)
	}
	e := reeve.Entry{
		Thread: t.id, Epoch: t.epoch, First: t.lastSeq, Seq: t.lastSeq, Run: d.Run, Path: d.Path, Kind: d.Kind,
		Attempt: d.Attempt, Try: d.Try, Data: d.Data, At: timeOf(t.at), Scope: d.Scope, N: d.N, Name: d.Name,
	}
	b.put(t, &d, number)
	return e
}

// put sets the entry's row aside.
func (b *batch) put(t *thread, d *journal.Draft, number int64) {
	rows := &b.entries
	scope, name := operation(d.Path, d.N)
	usual := scope == d.Scope && name == d.Name
	if !usual {
		rows = &b.odd
	}
	*rows = append(*rows, t.k, t.lastSeq, d.Run.N(), number, int64(d.N), int64(d.Attempt), int64(d.Try), t.at,
		kindValue(d.Kind), d.Path, blob(d.Data))
	if !usual {
		*rows = append(*rows, d.Scope, d.Name)
	}
}

// blob keeps the bytes as they are: as TEXT, broken UTF-8 and NUL would trouble readers.
func blob(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	return data
}
