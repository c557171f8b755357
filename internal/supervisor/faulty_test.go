package supervisor_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var errTrouble = errors.New("the database has trouble")

// faulty is a store whose methods can be made to fail, before or after they did their work.
type faulty struct {
	journal.Store
	mu     sync.Mutex
	down   bool // everything that writes is refused
	beats  error
	commit func(batch []journal.Op) error // after a batch has landed: its answer is lost
	marks  error                          // after the inbox was emptied: its answer is lost, once
	reads  error                          // of entries
}

func (f *faulty) set(change func(f *faulty)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faulty) trouble(also error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return errTrouble
	}
	return also
}

func (f *faulty) Beat(ctx context.Context, id reeve.NodeID) error {
	f.mu.Lock()
	beats := f.beats
	f.mu.Unlock()
	if err := f.trouble(beats); err != nil {
		return err
	}
	return f.Store.Beat(ctx, id)
}

func (f *faulty) Join(ctx context.Context, n journal.Node) error {
	if err := f.trouble(nil); err != nil {
		return err
	}
	return f.Store.Join(ctx, n)
}

func (f *faulty) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Claimed, error) {
	if err := f.trouble(nil); err != nil {
		return nil, err
	}
	return f.Store.Claim(ctx, q)
}

func (f *faulty) Inbox(ctx context.Context, id reeve.NodeID) ([]reeve.ThreadID, error) {
	if err := f.trouble(nil); err != nil {
		return nil, err
	}
	threads, err := f.Store.Inbox(ctx, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(threads) > 0 && f.marks != nil {
		err, f.marks = f.marks, nil
		return nil, err
	}
	return threads, err
}

func (f *faulty) Entries(ctx context.Context, q journal.EntryQuery) ([]reeve.Entry, error) {
	f.mu.Lock()
	reads := f.reads
	f.mu.Unlock()
	if reads != nil {
		return nil, reads
	}
	return f.Store.Entries(ctx, q)
}

func (f *faulty) Commit(ctx context.Context, batch []journal.Op) ([]journal.Result, error) {
	if err := f.trouble(nil); err != nil {
		return nil, err
	}
	res, err := f.Store.Commit(ctx, batch)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && f.commit != nil {
		err = f.commit(batch)
	}
	return res, err
}

// fromElsewhere writes an op as another process would: past the node's journal.
func (w *world) fromElsewhere(t *testing.T, op journal.Op) journal.Result {
	t.Helper()
	res, err := w.store.Commit(context.Background(), []journal.Op{op})
	if err != nil || res[0].Err != nil {
		t.Fatalf("%T: %v, %v", op, err, res)
	}
	return res[0]
}
