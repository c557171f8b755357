package supervisor_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/supervisor"
)

func TestAFencedNodeBeginsANewTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Shared())
		w := newWorld(t, store)
		var tries atomic.Int32
		waits := agent.New("waits", func(ctx agent.Context, in text) (text, error) {
			return agent.Step(ctx, "wait", func(ctx context.Context) (text, error) {
				if tries.Add(1) == 1 {
					<-ctx.Done()
					return text{}, context.Cause(ctx)
				}
				return in, nil
			}, agent.Tries(1))
		})
		n := w.start(supervisor.Config{}, waits)
		first := n.Node()
		run := w.accept(n, "waits", `{"text":"x"}`)
		eventually(t, "the step runs", func() bool { return tries.Load() == 1 })
		store.Kill(first)
		got := w.await(run, reeve.StatusCompleted)
		if got.Attempt != 2 {
			t.Errorf("attempt %d after a takeover", got.Attempt)
		}
		if n.Node() == first || n.Node() == "" {
			t.Errorf("the node is %q, was %q", n.Node(), first)
		}
		n.end()
	})
}

func TestPastTheLeaseStepsGoOnAndNoneBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		w := newWorld(t, store)
		finish := make(chan struct{})
		var second atomic.Bool
		var cut atomic.Bool
		two := agent.New("two", func(ctx agent.Context, in text) (text, error) {
			_, err := agent.Step(ctx, "first", func(ctx context.Context) (text, error) {
				select {
				case <-finish:
				case <-ctx.Done():
					cut.Store(true)
				}
				return in, nil
			})
			if err != nil {
				return text{}, err
			}
			return agent.Step(ctx, "second", func(context.Context) (text, error) { second.Store(true); return in, nil })
		})
		n := w.start(supervisor.Config{}, two)
		term := n.Node()
		run := w.accept(n, "two", `{"text":"x"}`)
		eventually(t, "the first step runs", func() bool { return len(n.Beats(run)) == 1 })
		store.set(func(f *faulty) { f.beats = errTrouble })
		time.Sleep(20 * time.Second) // far past the lease, not yet given up
		if cut.Load() {
			t.Fatal("a running step was cut off 20 s after the database went away")
		}
		queued := w.accept(n, "two", `{"text":"y"}`) // the store takes it, the node must not
		close(finish)
		time.Sleep(2 * time.Second)
		if second.Load() {
			t.Error("a step began past the lease")
		}
		if r := w.run(queued); r.Status != reeve.StatusQueued {
			t.Errorf("past the lease a thread was taken: run is %s", r.Status)
		}
		store.set(func(f *faulty) { f.beats = nil })
		w.await(run, reeve.StatusCompleted)
		w.await(queued, reeve.StatusCompleted)
		if n.Node() != term {
			t.Error("the term changed although the node was never declared dead")
		}
		n.end()
	})
}

func TestLongPastTheLeaseEverythingIsLostAndRecovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		w := newWorld(t, store)
		n := w.start(supervisor.Config{}, polite)
		run := w.accept(n, "polite", `{"text":"x"}`)
		eventually(t, "the step runs", func() bool { return len(n.Beats(run)) == 1 })
		store.set(func(f *faulty) { f.down = true })
		time.Sleep(40 * time.Second)
		if n.InFlight() != 0 || n.Node() != "" {
			t.Fatalf("%d runs in hand as node %q, 40 s after the database went away", n.InFlight(), n.Node())
		}
		store.set(func(f *faulty) { f.down = false })
		eventually(t, "it is taken up again", func() bool { return len(n.Beats(run)) == 1 })
		if r := w.run(run); r.Attempt != 2 {
			t.Errorf("attempt %d", r.Attempt)
		}
		n.end()
	})
}

// TestATakeOfUnknownOutcomeIsFound: the commit that accepts landed, with the thread in this node's
// name, and its answer was lost until the journal gave up.
func TestATakeOfUnknownOutcomeIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		w := newWorld(t, store)
		n := w.start(supervisor.Config{}, hello)
		var thread atomic.Value
		store.set(func(f *faulty) {
			f.commit = func(batch []journal.Op) error {
				for _, op := range batch {
					if a, ok := op.(*journal.Accept); ok && a.Take != "" {
						thread.CompareAndSwap(nil, a.Thread)
						return errTrouble
					}
				}
				return nil
			}
		})
		_, err := n.Accept(t.Context(), &journal.Accept{
			Thread: "t", Create: true, Owner: "o", Agent: "hello",
			Input: []byte(`{"text":"x"}`), OnBusy: reeve.Enqueue, Key: "k", Hash: "h",
		})
		if reeve.CodeOf(err) != reeve.CodeUnavailable {
			t.Fatalf("accept: %v", err)
		}
		store.set(func(f *faulty) { f.commit = nil })
		w.await(reeve.MakeRunID("t", 1), reeve.StatusCompleted)
		n.end()
	})
}

// TestALogThatCannotBeReadDoesNotStrandItsRun: the claim is in this node's name, and the execution could not begin.
func TestALogThatCannotBeReadDoesNotStrandItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		w := newWorld(t, store)
		n := w.start(supervisor.Config{}, asks)
		run := w.accept(n, "asks", `{"text":""}`)
		w.await(run, reeve.StatusWaiting)
		store.set(func(f *faulty) { f.reads = errTrouble })
		if _, err := n.Answer(t.Context(), &journal.Answer{Run: run, Path: "name", Value: []byte(`"me"`), By: "client"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		store.set(func(f *faulty) { f.reads = nil })
		w.await(run, reeve.StatusCompleted)
		n.end()
	})
}

func TestAClientThatLeavesDoesNotLoseTheThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, hello)
		gone, leave := context.WithCancelCause(t.Context())
		leave(errors.New("the client has left"))
		for i := range 20 {
			_, _ = n.Accept(gone, &journal.Accept{
				Thread: reeve.ThreadID("t" + string(rune('a'+i))), Create: true, Agent: "hello",
				Input: []byte(`{"text":"x"}`), OnBusy: reeve.Enqueue,
			})
		}
		eventually(t, "all are completed", func() bool {
			runs, err := w.store.Runs(t.Context(), journal.RunQuery{Status: reeve.StatusCompleted, Limit: 100})
			return err == nil && len(runs) == 20
		})
		n.end()
	})
}

// TestPoison: five nodes in a row die of a run with nothing recorded; the sixth fails it. Not so when
// they die within seconds: then it is the machine that is killed, and the run goes on.
func TestPoison(t *testing.T) {
	t.Run("slowly", func(t *testing.T) { testPoison(t, 10*time.Second, 5) })
	t.Run("at once", func(t *testing.T) { testPoison(t, time.Second, 30/2) })
}

// testPoison kills a node each pause until the run is failed, and wants that after about so many.
func testPoison(t *testing.T, pause time.Duration, want int) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Shared())
		w := newWorld(t, store)
		var mu sync.Mutex
		begun := 0
		deadly := agent.New("deadly", func(ctx agent.Context, in text) (text, error) {
			return agent.Step(ctx, "die", func(ctx context.Context) (text, error) {
				mu.Lock()
				begun++
				mu.Unlock()
				<-ctx.Done()
				return text{}, context.Cause(ctx)
			}, agent.Tries(1))
		})
		n := w.start(supervisor.Config{}, deadly)
		run := w.accept(n, "deadly", `{"text":"x"}`)
		killed := 0
		for w.run(run).Status != reeve.StatusFailed {
			eventually(t, "it begins again, or is failed", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return begun > killed || w.run(run).Status == reeve.StatusFailed
			})
			time.Sleep(pause)
			killed++
			store.Kill(n.Node())
		}
		got := w.await(run, reeve.StatusFailed)
		if got.Error == nil || got.Error.Code != reeve.CodePoisoned || !strings.Contains(got.Error.Message, "retry") {
			t.Fatalf("error %+v", got.Error)
		}
		if begun < want || pause >= 10*time.Second && begun != want {
			t.Errorf("it was begun %d times, want %d", begun, want)
		}
		n.end()
	})
}
