package journal

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
)

// patience is how long a writer from outside is kept waiting while the database has trouble.
const patience = 3 * time.Second

// item is one op on its way through a lane.
type item struct {
	ctx   context.Context // nobody needs the op when it has ended
	op    Op
	rows  int
	bytes int
	since time.Time // when a writer from outside handed in; zero for an owner

	done chan struct{} // closed when res and err are set
	res  *Result       // nil where there is only an error
	err  error
}

func newItem(ctx context.Context, op Op) *item {
	it := &item{ctx: ctx, op: op, rows: op.rows(), bytes: op.bytes(), done: make(chan struct{})}
	if _, own := op.(*Append); !own {
		it.since = time.Now()
	}
	return it
}

func (it *item) answer(res *Result, err error) {
	if err == nil && res.Err != nil {
		err = res.Err
	}
	it.res, it.err = res, err
	close(it.done)
}

// wait gives the answer, or ctx's end.
func (it *item) wait(ctx context.Context) (Result, error) {
	select {
	case <-it.done:
		if it.res == nil {
			return Result{}, it.err
		}
		return *it.res, it.err
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
}

// impatient says whether the item's writer is to be told of the trouble.
func (it *item) impatient() bool {
	return it.ctx.Err() != nil || !it.since.IsZero() && time.Since(it.since) > patience
}

func unavailable(err error) error {
	return &reeve.Error{Code: reeve.CodeUnavailable, Message: "the store cannot be written just now: try again", Err: err}
}
