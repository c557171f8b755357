package sqlite

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// A thread's row may be behind its log. Whoever reads it, readers and a writer that
// remembers nothing, sees the log's end all the same.
func TestARowBehindItsLog(t *testing.T) {
	s := openInside(t)
	claimed := begun(t, s, "tea")
	a := &journal.Append{Thread: "tea", Fence: claimed.Fence, Number: 1}
	for n := range 2*maxBehind + 3 {
		a.Number, a.Entries = int64(n+1), []journal.Draft{stepDraft(claimed, n+1)}
		want := commitOne(t, s, a)
		if n%5 == 0 {
			forgetAll(t, s)
			lookAtEnd(t, s, want.LastSeq)
		}
	}
	forgetAll(t, s)
	if row := rowSeq(t, s); row >= claimed.LastSeq+a.Number || row < claimed.LastSeq+a.Number-maxBehind {
		t.Errorf("the row is at %d, the log at %d", row, claimed.LastSeq+a.Number)
	}
	again := commitOne(t, s, a) // as after a lost answer
	if len(again.Entries) != 1 || again.Entries[0].Seq != claimed.LastSeq+a.Number {
		t.Errorf("a resend was answered with %+v", again.Entries)
	}
	forgetAll(t, s)
	a.Number++
	a.Change = &journal.Change{Run: claimed.Run.ID, Status: reeve.StatusCompleted}
	end := commitOne(t, s, a)
	lookAtEnd(t, s, end.LastSeq)
	if row := rowSeq(t, s); row != end.LastSeq {
		t.Errorf("after the run's end the row is at %d, the log at %d", row, end.LastSeq)
	}
}

func stepDraft(c journal.Claimed, n int) journal.Draft {
	return journal.Draft{
		Kind: reeve.KindStepCompleted, Run: c.Run.ID, Path: fmt.Sprintf("step#%d", n), Name: "step", N: n, Attempt: 1, Try: 1,
	}
}

// forgetAll makes the next unit read its rows again.
func forgetAll(t *testing.T, s *Store) {
	t.Helper()
	if err := s.takeTurn(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	s.forget()
	s.turn <- struct{}{}
}

func lookAtEnd(t *testing.T, s *Store, want int64) {
	t.Helper()
	row, err := s.Thread(t.Context(), "tea")
	if err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(t.Context(), []reeve.ThreadID{"tea"})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: "tea", After: want - 1})
	if err != nil {
		t.Fatal(err)
	}
	if row.LastSeq != want || heads["tea"].Seq != want || len(entries) != 1 {
		t.Errorf("at %d the thread shows %d, its head %d, and %d entries from there", want, row.LastSeq, heads["tea"].Seq, len(entries))
	}
}

func rowSeq(t *testing.T, s *Store) (seq int64) {
	t.Helper()
	if err := s.writerDB.QueryRowContext(t.Context(), `SELECT last_seq FROM threads WHERE id = 'tea'`).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	return seq
}

// What can be told from a path is not written, and comes back all the same; so does what cannot.
func TestScopesNamesAndKindsComeBack(t *testing.T) {
	s := openInside(t)
	claimed := begun(t, s, "tea")
	run := claimed.Run.ID
	want := []journal.Draft{
		{Kind: reeve.KindStepCompleted, Run: run, Path: "read", Name: "read", N: 1},
		{Kind: reeve.KindStepCompleted, Run: run, Path: "crew#2/scan[a%2Fb]/read#3", Scope: "crew#2/scan[a%2Fb]", Name: "read", N: 2},
		{Kind: reeve.KindStepFailed, Run: run, Path: "fetch[k]#2", Name: "fetch", N: 3},
		{Kind: reeve.KindTextAppended, Run: run, Path: "crew/say"},
		{Kind: reeve.KindTextAppended, Run: run, Path: "crew/say", Scope: "crew", Name: "say"},
		{Kind: reeve.KindStepCompleted, Run: run, Path: "a[b", Name: "a[b", N: 4},
		{Kind: reeve.KindStepCompleted, Run: run, Path: "elsewhere/read", Scope: "crew", Name: "read", N: 5},
		{Kind: reeve.KindStepCompleted, Run: run, Path: "crew/read", N: 6},
		{Kind: "tea.brewed", Run: run, Path: "brew", Name: "brew", N: 7},
		{Kind: "13", Run: run, Path: "brew#2", Name: "brew", N: 8},
	}
	commitOne(t, s, &journal.Append{Thread: "tea", Fence: claimed.Fence, Number: 1, Entries: want})
	entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: "tea", After: claimed.LastSeq})
	if err != nil {
		t.Fatal(err)
	}
	var got []journal.Draft
	for _, e := range entries {
		if e.First != e.Seq {
			t.Errorf("entry %d begins at %d", e.Seq, e.First)
		}
		got = append(got, journal.Draft{Kind: e.Kind, Run: e.Run, Path: e.Path, Scope: e.Scope, Name: e.Name, N: e.N})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
}

// The numbers of kinds are in the files of users.
func TestKindsKeepTheirNumbers(t *testing.T) {
	for kind, number := range map[reeve.Kind]int64{
		reeve.KindMessageAdded: 1, reeve.KindRunQueued: 2, reeve.KindRunCancelled: 10, reeve.KindAgentCalled: 11,
		reeve.KindStepCompleted: 13, reeve.KindTextAppended: 15, reeve.KindCancelRequested: 19,
	} {
		if got := kindValue(kind); got != number {
			t.Errorf("%s has number %v, want %d", kind, got, number)
		}
	}
}
