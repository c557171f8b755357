package journal

import (
	"slices"

	"github.com/reeve-run/reeve"
)

// place says where an item's answer stands: which op, and which of its entries.
type place struct {
	op    int
	from  int
	to    int
	whole bool
}

// merge makes one op of neighbouring appends to one thread, so that the thread's row is
// written once. One that bears a Change stays by itself, so that its refusal is its own;
// anything else between them keeps them apart too.
func merge(batch []*item) ([]Op, []place) {
	ops := make([]Op, 0, len(batch))
	places := make([]place, len(batch))
	last := make(map[reeve.ThreadID]int, len(batch))
	for i, it := range batch {
		a, ok := it.op.(*Append)
		if !ok {
			delete(last, it.op.On())
			places[i] = place{op: len(ops), whole: true}
			ops = append(ops, it.op)
			continue
		}
		at, seen := last[a.Thread]
		if seen {
			if joined := join(ops[at].(*Append), a); joined != nil {
				places[i] = place{op: at, from: len(joined.Entries) - len(a.Entries), to: len(joined.Entries)}
				ops[at] = joined
				continue
			}
		}
		last[a.Thread] = len(ops)
		places[i] = place{op: len(ops), to: len(a.Entries)}
		ops = append(ops, a)
	}
	return ops, places
}

// join is both appends in one, or nil when they must stay apart. It leaves its arguments as they are:
// a batch that is halved is merged anew.
func join(a, b *Append) *Append {
	if a.Fence != b.Fence || a.Change != nil || b.Change != nil || a.Number+int64(len(a.Entries)) != b.Number {
		return nil
	}
	both := *a
	both.Entries = slices.Concat(a.Entries, b.Entries)
	both.Progress = a.Progress || b.Progress
	return &both
}

// cut is the item's part of its op's result.
func (p place) cut(results []Result) *Result {
	res := &results[p.op]
	if p.whole || res.Err != nil || p.to > len(res.Entries) || p.to-p.from == len(res.Entries) {
		return res
	}
	part := *res
	part.Entries = res.Entries[p.from:p.to]
	if n := len(part.Entries); n > 0 {
		part.LastSeq = part.Entries[n-1].Seq
	}
	return &part
}
