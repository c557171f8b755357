package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

func count(t *testing.T, s *Store, text string, args ...any) int {
	t.Helper()
	var n int
	if err := s.readerDB.QueryRowContext(t.Context(), text, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// lived takes a run through so many steps and its end.
func lived(t *testing.T, s *Store, id reeve.ThreadID, steps int) {
	t.Helper()
	c := begun(t, s, id)
	end := &journal.Append{Thread: id, Fence: c.Fence, Number: 1, Change: &journal.Change{Run: c.Run.ID, Status: reeve.StatusCompleted}}
	for n := range steps {
		end.Entries = append(end.Entries, step(c, int64(n), text(10)).Entries...)
	}
	end.Entries = append(end.Entries, journal.Draft{Kind: reeve.KindRunCompleted, Run: c.Run.ID})
	commitOne(t, s, end)
}

func TestDeletedThreadLeavesNothing(t *testing.T) {
	s := openInside(t)
	lived(t, s, "tea", 2500)
	if err := s.DeleteThread(t.Context(), "ann", "tea"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"threads", "log", "runs", "keys", "asks", "thread_notes", "chaff"} {
		if n := count(t, s, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

// A server that dies between a deletion and its sweep: nothing of the old thread is seen,
// nothing mixes with a new one of its name, and the next prune sweeps.
func TestSweepAfterACrash(t *testing.T) {
	s := openInside(t)
	lived(t, s, "tea", 10)
	if err := s.dropThread(t.Context(), "ann", "tea"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "SELECT count(*) FROM log"); n == 0 {
		t.Fatal("the sweep has come already")
	}
	if runs, err := s.Runs(t.Context(), journal.RunQuery{Agent: "echo", Limit: 10}); err != nil || len(runs) != 0 {
		t.Errorf("runs of the deleted thread: %v, %v", runs, err)
	}
	commitOne(t, s, &journal.Accept{Thread: "tea", Create: true, Owner: "bob", Agent: "echo"})
	if _, err := s.Prune(t.Context(), time.Now().Add(-time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: "tea", Limit: 100})
	if err != nil || len(entries) != 2 || count(t, s, "SELECT count(*) FROM log") != 2 || count(t, s, "SELECT count(*) FROM runs") != 1 {
		t.Errorf("after the sweep: entries %v, %v", entries, err)
	}
}

// Entries that are pruned and not swept yet are not served.
func TestPrunedEntriesAreNotSeen(t *testing.T) {
	s := openInside(t)
	lived(t, s, "tea", 10)
	lived(t, s, "tea", 1)
	err := s.inBatch(t.Context(), "prune", func(b *batch) error {
		p := pruning{batch: b, before: clock() + 1, limit: 1}
		return p.some()
	})
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.Thread(t.Context(), "tea")
	if err != nil || row.FirstSeq != 15 {
		t.Fatalf("after the prune the thread begins at %d, %v; want 15", row.FirstSeq, err)
	}
	entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: "tea", Limit: 100})
	if err != nil || len(entries) == 0 || entries[0].Seq != 15 {
		t.Errorf("entries %v, %v; want those from 15", entries, err)
	}
}

// Threads whose front cannot go yet do not hide those behind them, however many there are.
func TestPruneGoesRound(t *testing.T) {
	s := openInside(t)
	const stuck = 30
	for n := range stuck {
		stick(t, s, reeve.ThreadID(fmt.Sprintf("stuck-%d", n)))
	}
	lived(t, s, "free", 1)
	pruned := 0
	for range stuck {
		n, err := s.Prune(t.Context(), time.Now().Add(time.Hour), 5)
		if err != nil {
			t.Fatal(err)
		}
		pruned += n
	}
	if pruned != 1 {
		t.Errorf("%d runs were pruned, want the one that can go", pruned)
	}
}

// stick ends a thread's first run after its second, which has not ended, was queued.
func stick(t *testing.T, s *Store, id reeve.ThreadID) {
	t.Helper()
	c := begun(t, s, id)
	commitOne(t, s, &journal.Accept{Thread: id, Owner: "ann", Agent: "echo"})
	commitOne(t, s, &journal.Append{
		Thread: id, Fence: c.Fence, Number: 1,
		Entries: []journal.Draft{{Kind: reeve.KindRunCompleted, Run: c.Run.ID}},
		Change:  &journal.Change{Run: c.Run.ID, Status: reeve.StatusCompleted},
	})
}

// The cache is bounded, and a thread that it let go of is as it was.
func TestCacheIsBounded(t *testing.T) {
	s := openInside(t)
	if err := s.Join(t.Context(), journal.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	const size = 1000
	var first journal.Claimed
	for n := 0; n < maxCached+2*size; n += size {
		batch := make([]journal.Op, size)
		for i := range batch {
			batch[i] = &journal.Accept{Thread: reeve.ThreadID(fmt.Sprintf("t%d", n+i)), Create: true, Owner: "ann", Agent: "echo", Take: "node"}
		}
		results, err := s.Commit(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = *results[0].Claimed
		}
		if len(s.threads.rows) > maxCached {
			t.Fatalf("%d rows are remembered, want at most %d", len(s.threads.rows), maxCached)
		}
	}
	delete(s.threads.rows, first.Run.Thread)
	if res := commitOne(t, s, step(first, 1, text(10))); res.LastSeq != 4 {
		t.Errorf("a step of a thread that was let go of stands at %d, want 4", res.LastSeq)
	}
}
