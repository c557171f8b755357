package memory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) journal.Store { return memory.New() })
}

func TestSharedStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) journal.Store { return memory.New(memory.Shared()) }, storetest.Shared())
}

func accept(thread reeve.ThreadID) *journal.Accept {
	return &journal.Accept{Thread: thread, Create: true, Owner: "ann", Agent: "echo", Input: json.RawMessage(`1`)}
}

func join(t *testing.T, s *memory.Store, nodes ...reeve.NodeID) {
	t.Helper()
	for _, id := range nodes {
		if err := s.Join(t.Context(), journal.Node{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
}

func commit(t *testing.T, s *memory.Store, batch ...journal.Op) []journal.Result {
	t.Helper()
	results, err := s.Commit(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range results {
		if res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	return results
}

func claim(t *testing.T, s *memory.Store, node reeve.NodeID) []journal.Claimed {
	t.Helper()
	claimed, err := s.Claim(t.Context(), journal.ClaimQuery{Node: node, Agents: []string{"echo"}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func steps(c journal.Claimed, number int64, n int) *journal.Append {
	op := &journal.Append{Thread: c.Run.Thread, Fence: c.Fence, Number: number}
	for range n {
		op.Entries = append(op.Entries, journal.Draft{Kind: reeve.KindStepCompleted, Run: c.Run.ID, Path: "step", Data: json.RawMessage(`1`)})
	}
	return op
}

// TestKill has three nodes side by side: one dies, the others share what it held, and
// what they hold themselves stays with them.
func TestKill(t *testing.T) {
	s := memory.New(memory.Shared())
	join(t, s, "a", "b", "c")
	commit(t, s, accept("t1"), accept("t2"))
	if got := claim(t, s, "a"); len(got) != 2 {
		t.Fatalf("a claimed %d threads, want 2", len(got))
	}
	commit(t, s, accept("t3"))
	if got := claim(t, s, "b"); len(got) != 1 {
		t.Fatalf("b claimed %d threads, want 1", len(got))
	}
	if got := claim(t, s, "c"); len(got) != 0 {
		t.Fatalf("c claimed %d threads that others hold", len(got))
	}
	s.Kill("a")
	s.Kill("stranger")
	if err := s.Beat(t.Context(), "a"); reeve.CodeOf(err) != reeve.CodeFenced {
		t.Errorf("beat of a dead node: %v", err)
	}
	got := claim(t, s, "c")
	if len(got) != 2 {
		t.Fatalf("c took over %d threads, want 2", len(got))
	}
	for _, c := range got {
		if c.Run.Attempt != 2 || c.Strikes != 1 {
			t.Errorf("taken over: attempt %d, strikes %d", c.Run.Attempt, c.Strikes)
		}
	}
	if err := s.Beat(t.Context(), "b"); err != nil {
		t.Errorf("beat of a living node: %v", err)
	}
}

// TestOnCommit: the hook sees each batch with its results, refusals too, when it is
// readable and under no lock.
func TestOnCommit(t *testing.T) {
	var s *memory.Store
	var seen []int64
	s = memory.New(memory.OnCommit(func(batch []journal.Op, results []journal.Result) {
		for i, op := range batch {
			heads, err := s.Heads(context.Background(), []reeve.ThreadID{op.On()})
			if err != nil || heads[op.On()].Seq != results[i].LastSeq {
				t.Errorf("in the hook: head %v, %v; the result says %d", heads, err, results[i].LastSeq)
			}
			for _, e := range results[i].Entries {
				seen = append(seen, e.Seq)
			}
		}
	}))
	join(t, s, "a")
	commit(t, s, accept("t"))
	c := claim(t, s, "a")[0]
	commit(t, s, steps(c, 1, 2))
	if _, err := s.Commit(t.Context(), []journal.Op{&journal.Cancel{Run: "nowhere.1"}}); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Commit(ended, []journal.Op{accept("t")}); err == nil {
		t.Error("a commit with a cancelled context was done")
	}
	if want := []int64{1, 2, 4, 5}; !cmp.Equal(want, seen) {
		t.Errorf("the hook saw entries %v, want %v", seen, want)
	}
}

// TestInABubble: a sleeping run's time comes in virtual time, and not a moment before.
func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		join(t, s, "a")
		commit(t, s, accept("t"))
		c := claim(t, s, "a")[0]
		op := steps(c, 1, 1)
		op.Change = &journal.Change{Run: c.Run.ID, Status: reeve.StatusWaiting, Release: true, Wake: time.Now().Add(time.Hour)}
		commit(t, s, op)
		time.Sleep(time.Hour - time.Nanosecond)
		if got := claim(t, s, "a"); len(got) != 0 {
			t.Fatal("claimed before its time")
		}
		time.Sleep(time.Nanosecond)
		if got := claim(t, s, "a"); len(got) != 1 {
			t.Fatal("not claimed when its time had come")
		}
	})
}

// TestOldestFirstInOneInstant: in virtual time everything happens at once, and still
// whoever was first is first.
func TestOldestFirstInOneInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		join(t, s, "a")
		var want, got []reeve.ThreadID
		for i := range 50 {
			id := reeve.ThreadID(fmt.Sprintf("t%d", i*7%50))
			want = append(want, id)
			commit(t, s, accept(id))
		}
		for _, c := range claim(t, s, "a") {
			got = append(got, c.Run.Thread)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// TestManySidesInABubble: waiting for the store's mutex must not stop a bubble's clock for good.
func TestManySidesInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		join(t, s, "a")
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for n := range 20 {
					time.Sleep(time.Millisecond)
					if _, err := s.Commit(t.Context(), []journal.Op{accept(reeve.ThreadID(fmt.Sprintf("t%d-%d", i, n%3)))}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := len(claim(t, s, "a")); got != 60 {
			t.Errorf("claimed %d threads, want 60", got)
		}
	})
}

// BenchmarkGrowth appends to a log that is empty, and to one that is long: the cost must not tell them apart.
func BenchmarkGrowth(b *testing.B) {
	for _, before := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("after %d entries", before), func(b *testing.B) {
			s := memory.New()
			if err := s.Join(b.Context(), journal.Node{ID: "a"}); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Commit(b.Context(), []journal.Op{accept("t")}); err != nil {
				b.Fatal(err)
			}
			claimed, err := s.Claim(b.Context(), journal.ClaimQuery{Node: "a", Agents: []string{"echo"}, Limit: 1})
			if err != nil || len(claimed) != 1 {
				b.Fatal(claimed, err)
			}
			number := int64(1)
			add := func() {
				if _, err := s.Commit(b.Context(), []journal.Op{steps(claimed[0], number, 1)}); err != nil {
					b.Fatal(err)
				}
				number++
			}
			for range before {
				add()
			}
			b.ReportAllocs()
			for b.Loop() {
				add()
			}
		})
	}
}

// BenchmarkClaimAmongMany claims and ends one run while very many others are idle, not due or of a paused agent.
func BenchmarkClaimAmongMany(b *testing.B) {
	for _, others := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("among %d", others), func(b *testing.B) {
			s := memory.New()
			ctx := b.Context()
			if err := s.Join(ctx, journal.Node{ID: "a"}); err != nil {
				b.Fatal(err)
			}
			for i := range others {
				op := accept(reeve.ThreadID(fmt.Sprintf("other-%d", i)))
				op.Agent = "paused"
				if _, err := s.Commit(ctx, []journal.Op{op}); err != nil {
					b.Fatal(err)
				}
			}
			for n := int64(1); b.Loop(); n++ {
				if _, err := s.Commit(ctx, []journal.Op{accept("t")}); err != nil {
					b.Fatal(err)
				}
				claimed, err := s.Claim(ctx, journal.ClaimQuery{Node: "a", Agents: []string{"echo"}, Limit: 10})
				if err != nil || len(claimed) != 1 {
					b.Fatal(claimed, err)
				}
				op := steps(claimed[0], 1, 1)
				op.Change = &journal.Change{Run: claimed[0].Run.ID, Status: reeve.StatusCompleted}
				if _, err := s.Commit(ctx, []journal.Op{op}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
