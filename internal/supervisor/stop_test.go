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

// slow takes a step of three seconds that ignores its context, then one of an hour that does not.
var slow = agent.New("slow", func(ctx agent.Context, in text) (text, error) {
	if _, err := agent.Step(ctx, "short", func(context.Context) (text, error) { time.Sleep(3 * time.Second); return in, nil }); err != nil {
		return text{}, err
	}
	if in.Text == "short" {
		return in, nil
	}
	return agent.Step(ctx, "long", func(ctx context.Context) (text, error) {
		select {
		case <-time.After(time.Hour):
		case <-ctx.Done():
		}
		return in, context.Cause(ctx)
	}, agent.Tries(1))
})

func TestAGracefulStopLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, slow, asks)
		short := w.accept(n, "slow", `{"text":"short"}`)
		long := w.accept(n, "slow", `{"text":"long"}`)
		asking := w.accept(n, "asks", `{"text":""}`)
		eventually(t, "the question is open", func() bool { return w.count(asking, reeve.KindAskOpened) == 1 })
		begun := time.Now()
		n.end()
		if took := time.Since(begun); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("the stop took %s: want the grace period", took)
		}
		if r := w.run(short); r.Status != reeve.StatusCompleted {
			t.Errorf("work that ended within the grace period is %s", r.Status)
		}
		for _, run := range []reeve.RunID{long, asking} {
			if w.count(run, reeve.KindRunHanded) != 1 {
				t.Errorf("run %s was not handed over", run)
			}
		}
		handed := w.entries(asking)
		if last := handed[len(handed)-1]; last.At.Sub(begun) > time.Second {
			t.Errorf("a run that only waits was let go after %s", last.At.Sub(begun))
		}

		next := w.start(supervisor.Config{}, slow, asks)
		eventually(t, "the long step runs again", func() bool { return len(next.Beats(long)) == 1 && next.Beats(asking) != nil })
		if r := w.run(long); r.Attempt != 1 {
			t.Errorf("a hand-over made it attempt %d", r.Attempt)
		}
		if w.count(long, reeve.KindStepCompleted) != 1 {
			t.Error("the step that was recorded ran again")
		}
		next.kill()
	})
}

func TestHaltStopsAtOnce(t *testing.T) {
	for name, halt := range map[string]func(n *node){
		"alone":           func(n *node) { n.kill() },
		"during the stop": func(n *node) { n.stop(); time.Sleep(time.Second); n.kill() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, memory.New())
				n := w.start(supervisor.Config{}, polite)
				run := w.accept(n, "polite", `{"text":"x"}`)
				eventually(t, "the step runs", func() bool { return len(n.Beats(run)) == 1 })
				begun := time.Now()
				halt(n)
				if took := time.Since(begun); took > 2*time.Second {
					t.Errorf("halt took %s", took)
				}
				if r := w.run(run); r.Status != reeve.StatusRunning {
					t.Fatalf("the run is %s: nothing should have been written", r.Status)
				}
				next := w.start(supervisor.Config{}, polite)
				eventually(t, "the step runs again", func() bool { return len(next.Beats(run)) == 1 })
				if r := w.run(run); r.Attempt != 2 {
					t.Errorf("attempt %d", r.Attempt)
				}
				next.kill()
			})
		})
	}
}

// TestAnAgentThatNeverReturnsDoesNotKeepTheNode: it is named, and its thread is free.
func TestAnAgentThatNeverReturnsDoesNotKeepTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stubborn := agent.New("stubborn", func(ctx agent.Context, in text) (text, error) {
			return agent.Step(ctx, "work", func(context.Context) (text, error) { <-release; return in, nil })
		})
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, stubborn)
		run := w.accept(n, "stubborn", `{"text":"x"}`)
		eventually(t, "it works", func() bool { return len(n.Beats(run)) == 1 })
		n.end()
		left := w.log.of("the node leaves while agents have not returned: they ignore the end of their context")
		if len(left) != 1 || fmt.Sprint(left[0]["first"]) != fmt.Sprint([]any{string(run)}) {
			t.Errorf("the log says %v", left)
		}
		next := w.start(supervisor.Config{}, stubborn)
		eventually(t, "it is taken up again", func() bool { return len(next.Beats(run)) == 1 })
		close(release)
		w.await(run, reeve.StatusCompleted)
		next.end()
	})
}

// TestStopWhileRunsArrive: whatever Accept said yes to is completed or claimable after the stop.
func TestStopWhileRunsArrive(t *testing.T) {
	for round := range 20 {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{Grace: 20 * time.Millisecond}, hello)
		var accepted atomic.Int64
		done := make(chan struct{})
		for g := range 4 {
			go func() {
				defer func() { done <- struct{}{} }()
				for i := 0; ; i++ {
					_, err := n.Accept(context.Background(), &journal.Accept{
						Thread: reeve.ThreadID(fmt.Sprintf("t%d-%d", g, i)),
						Create: true, Agent: "hello", Input: []byte(`{"text":"x"}`), OnBusy: reeve.Enqueue,
					})
					if err != nil {
						if reeve.CodeOf(err) != reeve.CodeUnavailable {
							t.Errorf("accept: %v", err)
						}
						return
					}
					accepted.Add(1)
				}
			}()
		}
		eventually(t, "some are accepted", func() bool { return accepted.Load() > int64(10*round) })
		n.end()
		for range 4 {
			receive(t, "the clients give up", done)
		}
		next := w.start(supervisor.Config{}, hello)
		eventually(t, "all that was accepted is completed", func() bool {
			return int64(len(w.all(reeve.StatusCompleted))) >= accepted.Load() && len(w.all(reeve.StatusQueued))+len(w.all(reeve.StatusRunning)) == 0
		})
		next.end()
	}
}

// all is the runs with the status.
func (w *world) all(status reeve.Status) []reeve.Run {
	w.t.Helper()
	var all []reeve.Run
	q := journal.RunQuery{Status: status, Limit: 1000}
	for {
		page, err := w.store.Runs(context.Background(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < q.Limit {
			return all
		}
		q.Before = page[len(page)-1].ID
	}
}

func TestStartAndStopInEveryOrder(t *testing.T) {
	w := newWorld(t, memory.New())
	for i := range 50 {
		n := w.start(supervisor.Config{Lease: 30 * time.Millisecond}, hello)
		run := w.accept(n, "hello", `{"text":"x"}`)
		switch i % 4 {
		case 0:
			n.kill()
		case 1:
			n.stop()
			n.kill()
		default:
			n.end()
		}
		if n.Node() != "" || n.InFlight() != 0 {
			t.Fatalf("after its end the node is %q with %d runs", n.Node(), n.InFlight())
		}
		_ = w.run(run)
	}
	n := w.start(supervisor.Config{}, hello)
	eventually(t, "all are completed", func() bool { return len(w.all(reeve.StatusCompleted)) == 50 })
	n.end()
}
