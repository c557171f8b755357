package sqlite

import "github.com/reeve-run/reeve"

// scratch is what a batch gathers. The next batch takes its room over.
type scratch struct {
	touched map[reeve.ThreadID]*thread // those of this batch; nil: there is no such thread
	changed []*thread
	entries []any     // rows of the log, as parameters
	odd     []any     // those whose scope and name the path does not tell
	newRuns []any     // rows of runs, as parameters
	fresh   []*thread // their threads
	turns   []turn    // new statuses of runs
	params  []any     // of the statement that is being put together
}

// emptied is the slice's room without what stood in it, which must not stay in memory.
func emptied[T any](s []T) []T {
	clear(s)
	return s[:0]
}

// flush writes what was put aside.
func (b *batch) flush() error {
	if err := b.saveChunks(chAddLog, b.entries); err != nil {
		return err
	}
	if err := b.saveChunks(chAddOdd, b.odd); err != nil {
		return err
	}
	b.entries, b.odd = emptied(b.entries), emptied(b.odd)
	if err := b.saveChunks(chAddRuns, b.newRuns); err != nil {
		return err
	}
	for _, t := range b.fresh {
		t.pending = false
	}
	b.newRuns, b.fresh = emptied(b.newRuns), emptied(b.fresh)
	if err := b.saveTurns(); err != nil {
		return err
	}
	return b.saveThreads()
}

// saveThreads writes each changed row by the narrowest statement that will do.
func (b *batch) saveThreads() error {
	if err := b.saveDirty(chSaveEnds, behind, (*thread).endArgs); err != nil {
		return err
	}
	if err := b.saveDirty(chSaveIdle, idle, (*thread).idleArgs); err != nil {
		return err
	}
	if err := b.saveDirty(chSaveThreads, soiled, (*thread).args); err != nil {
		return err
	}
	for _, t := range b.changed {
		t.dirty, t.savedSeq = clean, t.lastSeq
	}
	b.changed = emptied(b.changed)
	return nil
}

func (b *batch) saveDirty(id int, d dirt, args func(*thread, []any) []any) error {
	b.params = emptied(b.params)
	for _, t := range b.changed {
		if t.dirty == d {
			b.params = args(t, b.params)
		}
	}
	return b.saveChunks(id, b.params)
}

// settled makes sure that the runs of the thread are in the database as far as they go.
func (b *batch) settled(t *thread) error {
	if !t.pending && t.turn == 0 {
		return nil
	}
	return b.flush()
}
