package sqlite

import (
	"database/sql"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// append writes what of the owner's entries has not landed yet, and what they make of the run.
func (b *batch) append(o *journal.Append) (journal.Result, error) {
	t := b.touched[o.Thread]
	if err := mayAppend(t, o); err != nil {
		return journal.Result{}, err
	}
	landed, err := b.landed(t, o)
	if err != nil {
		return journal.Result{}, err
	}
	if len(landed) == len(o.Entries) {
		return journal.Result{Entries: landed}, nil
	}
	if t.node == 0 && !t.died && len(landed) == 0 {
		return journal.Result{}, fenced("thread %s was let go", o.Thread)
	}
	if err := mayChange(t, o.Change); err != nil {
		return journal.Result{}, err
	}
	return b.appendRest(t, o, landed)
}

// appendRest writes what follows the entries that have landed. Nothing refuses any more.
func (b *batch) appendRest(t *thread, o *journal.Append, landed []reeve.Entry) (journal.Result, error) {
	rest := o.Entries[len(landed):]
	number := o.Number + int64(len(landed))
	res := journal.Result{Entries: append(make([]reeve.Entry, 0, len(o.Entries)), landed...)}
	for i, d := range rest {
		res.Entries = append(res.Entries, b.add(t, d, number+int64(i)))
	}
	t.ack, t.ackSeq = number+int64(len(rest))-1, t.lastSeq
	if o.Progress && t.strikes != 0 {
		t.strikes = 0
		b.soil(t, soiled)
	}
	if err := b.note(t, rest); err != nil {
		return journal.Result{}, err
	}
	if err := b.change(t, o.Change); err != nil {
		return journal.Result{}, err
	}
	res.Runnable = o.Change != nil && t.runnable(b.now)
	return res, nil
}

// mayAppend holds the fence.
func mayAppend(t *thread, o *journal.Append) error {
	switch {
	case len(o.Entries) == 0:
		return reeve.Errorf(reeve.CodeInvalid, "append to thread %s: no entries; a change needs one that tells it", o.Thread)
	case o.Number < 1:
		return reeve.Errorf(reeve.CodeInvalid, "append to thread %s: number %d, want 1 or more", o.Thread, o.Number)
	case t == nil:
		return fenced("thread %s is gone", o.Thread)
	case t.fence != o.Fence:
		return fenced("thread %s has fence %d, not %d", o.Thread, t.fence, o.Fence)
	}
	return nil
}

// mayChange refuses what an op must not do to its run.
func mayChange(t *thread, c *journal.Change) error {
	switch {
	case c == nil:
		return nil
	case !t.started() || reeve.MakeRunID(t.id, t.head) != c.Run:
		return conflict("run %s is not the one in hand", c.Run)
	case !t.status.name().May(c.Status):
		return conflict("run %s is %s and cannot become %s", c.Run, t.status.name(), c.Status)
	case c.IfLastSeq != 0 && c.IfLastSeq != t.lastSeq:
		return conflict("thread %s is at %d, not %d", t.id, t.lastSeq, c.IfLastSeq)
	}
	return nil
}

// landed finds the positions of those of the op's entries that are written already:
// all up to the row's last number. One that is missing there was refused before.
func (b *batch) landed(t *thread, o *journal.Append) ([]reeve.Entry, error) {
	if o.Number > t.ack {
		return nil, nil
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	count := min(t.ack-o.Number+1, int64(len(o.Entries)))
	found := make([]reeve.Entry, count)
	missing := count
	err := b.each(stLanded, func(rows *sql.Rows) (bool, error) {
		var seq, number, at int64
		var kind kindColumn
		if err := rows.Scan(&seq, &number, &kind, &at); err != nil {
			return false, err
		}
		if i := number - o.Number; number > 0 && i >= 0 && i < count {
			found[i] = reeve.Entry{Thread: t.id, Epoch: t.epoch, First: seq, Seq: seq, At: timeOf(at)}
			missing--
		}
		claimed := number == 0 && kind.claims()
		return missing > 0 && !claimed && (number == 0 || number > o.Number), nil
	}, t.k, t.ackSeq)
	switch {
	case err != nil:
		return nil, err
	case missing > 0 && t.node == 0 && !t.died:
		return nil, fenced("thread %s was let go", t.id)
	case missing > 0:
		return nil, conflict("append %d to thread %s: it was refused before", o.Number, t.id)
	}
	return found, nil
}

// note keeps what the rows need to know of new entries.
func (b *batch) note(t *thread, drafts []journal.Draft) error {
	for i := range drafts {
		d := &drafts[i]
		var err error
		switch d.Kind {
		case reeve.KindAskOpened:
			err = b.openAsk(t, d)
		case reeve.KindAskAnswered:
			err = b.closeAsk(t, d.Run.N(), d.Path)
		case reeve.KindCancelRequested:
			err = b.exec(stMarkCancelling, t.k, d.Run.N())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// change does to the run in hand what mayChange allowed.
func (b *batch) change(t *thread, c *journal.Change) error {
	if c == nil {
		return nil
	}
	to, _ := statusOf(c.Status) // May knows only statuses
	if to.ended() {
		return b.finish(t, t.head, to, c.Result, c.Error)
	}
	if to != t.status {
		t.status = to
		b.soil(t, soiled)
		if err := b.setTurn(turn{thread: t, n: t.head, to: to}); err != nil {
			return err
		}
	}
	if c.Release {
		b.release(t, c)
	}
	return nil
}

// release lets go of a run that goes on. What was written from outside and is not
// known to be read must not wait for Wake.
func (b *batch) release(t *thread, c *journal.Change) {
	unread := t.inbox && c.IfLastSeq == 0
	t.letGo()
	b.soil(t, soiled)
	switch {
	case unread:
		b.becomeDue(t, b.now)
	case !c.Wake.IsZero():
		b.becomeDue(t, max(c.Wake.UnixMicro(), 1))
	}
}
