package journal

import (
	"context"
	"strconv"
	"sync"

	"github.com/reeve-run/reeve"
)

// Owner writes a claimed thread's log. It is safe for concurrent use by the branches of the run.
type Owner struct {
	j     *Journal
	ctx   context.Context
	lane  *lane
	claim Claimed

	mu       sync.Mutex
	next     int64 // number of the next entry within the claim
	progress bool  // the takeover's strikes have been cleared
}

// Owner is the claim's writer. Its appends are given up when ctx ends: that is for a thread that is
// let go or lost, not for a step that is late.
func (j *Journal) Owner(ctx context.Context, c Claimed) *Owner {
	return &Owner{j: j, ctx: ctx, lane: j.lane(c.Run.Thread), claim: c, next: 1, progress: c.Strikes == 0}
}

// Append writes the entries, and what becomes of the run with them, and returns when
// they are durable. A database in trouble is waited for until the owner's context ends.
// CodeFenced means that the thread is somebody else's now. The drafts' data is redacted in place.
func (o *Owner) Append(change *Change, drafts ...Draft) (Result, error) {
	it, err := o.hand(change, drafts)
	if err != nil {
		return Result{}, err
	}
	return it.wait(o.ctx)
}

// Hand is Append that does not wait: a later Append of the same owner is durable only
// after it. It waits only while the lane is full. The channel is closed when the outcome is known.
func (o *Owner) Hand(drafts ...Draft) (settled <-chan struct{}, err error) {
	it, err := o.hand(nil, drafts)
	if err != nil {
		return nil, err
	}
	return it.done, nil
}

// TryHand is Hand that does not wait for a full lane either: ok says whether it was taken.
func (o *Owner) TryHand(drafts ...Draft) (ok bool, err error) {
	it, op, err := o.prepare(nil, drafts)
	if err != nil || !o.lane.tryAdmit(it) {
		return false, err
	}
	o.push(it, op)
	return true, nil
}

func (o *Owner) hand(change *Change, drafts []Draft) (*item, error) {
	it, op, err := o.prepare(change, drafts)
	if err != nil {
		return nil, err
	}
	if err := o.lane.admit(o.ctx, it); err != nil {
		return nil, err
	}
	o.push(it, op)
	return it, nil
}

// prepare redacts and bounds the drafts.
func (o *Owner) prepare(change *Change, drafts []Draft) (*item, *Append, error) {
	for i := range drafts {
		if err := o.j.vet(&drafts[i]); err != nil {
			return nil, nil, err
		}
	}
	op := &Append{Thread: o.claim.Run.Thread, Fence: o.claim.Fence, Entries: drafts, Change: change}
	return newItem(o.ctx, op), op, nil
}

// push numbers an admitted append and puts it at the lane's end.
func (o *Owner) push(it *item, op *Append) {
	drafts := op.Entries
	o.mu.Lock()
	defer o.mu.Unlock()
	op.Number = o.next
	o.next += int64(len(drafts))
	if !o.progress && progresses(drafts) {
		o.progress, op.Progress = true, true
	}
	o.lane.push(it)
}

// progresses says whether something new is recorded: not text, which is written again by every attempt.
func progresses(drafts []Draft) bool {
	for i := range drafts {
		switch drafts[i].Kind {
		case reeve.KindTextAppended, reeve.KindRunStalled, reeve.KindRunHanded, reeve.KindRunWaiting:
		default:
			if !drafts[i].Interim {
				return true
			}
		}
	}
	return false
}

// String names the draft in an error.
func (d *Draft) String() string {
	if d.Path == "" {
		return string(d.Kind) + " of run " + string(d.Run)
	}
	return string(d.Kind) + " at " + strconv.Quote(d.Path)
}

// Gone says whether the thread was let go of or lost: nothing is written any more.
func (o *Owner) Gone() bool { return o.ctx.Err() != nil }
