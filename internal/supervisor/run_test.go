package supervisor_test

import (
	"context"
	"fmt"
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

type text struct {
	Text string `json:"text"`
}

func step[T any](ctx agent.Context, name string, fn func(context.Context) (T, error), opts ...agent.StepOption) (T, error) {
	return agent.Step(ctx, name, fn, opts...)
}

var hello = agent.New("hello", func(ctx agent.Context, in text) (text, error) {
	said, err := step(ctx, "say", func(context.Context) (string, error) { return "hello " + in.Text, nil })
	return text{said}, err
})

func TestAnAcceptedRunBeginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, hello)
		run := w.accept(n, "hello", `{"text":"you"}`)
		got := w.await(run, reeve.StatusCompleted)
		if string(got.Result) != `{"text":"hello you"}` {
			t.Fatalf("result %s", got.Result)
		}
		if wait := got.StartedAt.Sub(got.CreatedAt); wait != 0 {
			t.Fatalf("it was started %s after it was accepted: another commit than the one that accepts", wait)
		}
		n.end()
	})
}

func TestQueuedRunsOfAThreadComeInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		var inside atomic.Int32
		alone := agent.New("alone", func(ctx agent.Context, in text) (text, error) {
			return step(ctx, "work", func(ctx context.Context) (text, error) {
				if inside.Add(1) > 1 {
					t.Error("two runs of one thread at once")
				}
				time.Sleep(time.Second)
				inside.Add(-1)
				return in, nil
			})
		})
		n := w.start(supervisor.Config{}, alone)
		var runs []reeve.RunID
		for i := range 10 {
			runs = append(runs, w.acceptOn(n, "one", "owner", "alone", fmt.Sprintf(`{"text":"%d"}`, i)))
		}
		var last time.Time
		for _, run := range runs {
			r := w.await(run, reeve.StatusCompleted)
			if r.StartedAt.Before(last) {
				t.Errorf("run %s began before the one ahead of it ended", run)
			}
			last = *r.FinishedAt
		}
		n.end()
	})
}

// TestLostHintsCostASecond: nobody tells the node that a thread's next run can be claimed.
func TestLostHintsCostASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		w.deaf = true
		n := w.start(supervisor.Config{}, hello, polite)
		first := w.acceptOn(n, "one", "owner", "polite", `{"text":"x"}`)
		second := w.acceptOn(n, "one", "owner", "hello", `{"text":"x"}`)
		if _, err := n.Cancel(t.Context(), &journal.Cancel{Run: first}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		w.await(second, reeve.StatusCompleted)
		if took := time.Since(begun); took > 1100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		n.end()
	})
}

func TestANodeThatCannotJoinDoesNotRun(t *testing.T) {
	store := memory.New()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := supervisor.New(supervisor.Config{Journal: journal.New(store, journal.Config{}), Agents: []agent.Runnable{hello}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); reeve.CodeOf(err) != reeve.CodeUnavailable {
		t.Fatalf("it ran, and ended with %v", err)
	}
}
