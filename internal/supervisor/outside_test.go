package supervisor_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/supervisor"
)

var asks = agent.New("asks", func(ctx agent.Context, in text) (text, error) {
	answer, err := agent.Ask(ctx, "name", agent.Question[string]{Text: "who?"})
	return text{answer}, err
})

// polite waits in a step until its context ends.
var polite = agent.New("polite", func(ctx agent.Context, in text) (text, error) {
	return agent.Step(ctx, "wait", func(ctx context.Context) (text, error) {
		<-ctx.Done()
		return in, context.Cause(ctx)
	}, agent.Tries(1))
})

func TestAnAnswerGoesOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, asks)
		run := w.accept(n, "asks", `{"text":""}`)
		eventually(t, "the question is open", func() bool { return w.count(run, reeve.KindAskOpened) == 1 })
		if _, err := n.Answer(t.Context(), &journal.Answer{Run: run, Path: "name", Value: json.RawMessage(`"me"`), By: "client"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // without letting time go by: it did not come through the inbox
		if got := w.run(run); got.Status != reeve.StatusCompleted || string(got.Result) != `{"text":"me"}` {
			t.Fatalf("run is %s with %s", got.Status, got.Result)
		}
		_, err := n.Answer(t.Context(), &journal.Answer{Run: run, Path: "name", Value: json.RawMessage(`"you"`), By: "client"})
		if reeve.CodeOf(err) != reeve.CodeConflict {
			t.Fatalf("a second answer: %v", err)
		}
		n.end()
	})
}

func TestWhatAnotherProcessWroteComesThroughTheInbox(t *testing.T) {
	for _, lost := range []bool{false, true} {
		name := map[bool]string{false: "heard", true: "answer of the look lost"}[lost]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &faulty{Store: memory.New()}
				w := newWorld(t, store)
				n := w.start(supervisor.Config{}, asks, polite)
				answered := w.accept(n, "asks", `{"text":""}`)
				cancelled := w.accept(n, "polite", `{"text":""}`)
				eventually(t, "the question is open", func() bool { return w.count(answered, reeve.KindAskOpened) == 1 })
				if lost {
					store.set(func(f *faulty) { f.marks = errTrouble })
				}
				w.fromElsewhere(t, &journal.Answer{Run: answered, Path: "name", Value: json.RawMessage(`"me"`), By: "client"})
				w.fromElsewhere(t, &journal.Cancel{Run: cancelled, Reason: "enough"})
				w.await(answered, reeve.StatusCompleted)
				w.await(cancelled, reeve.StatusCancelled)
				n.end()
			})
		})
	}
}

func TestAWaitingRunIsBroughtBackByItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, asks)
		run := w.accept(n, "asks", `{"text":""}`)
		w.await(run, reeve.StatusWaiting)
		eventually(t, "nothing is in hand", func() bool { return n.InFlight() == 0 })
		why, err := n.Why(t.Context(), run)
		if err != nil || why.Summary != "It waits and holds no node: for an answer to name." {
			t.Fatalf("why: %q, %v", why.Summary, err)
		}
		if _, err := n.Answer(t.Context(), &journal.Answer{Run: run, Path: "name", Value: json.RawMessage(`"late"`), By: "client"}); err != nil {
			t.Fatal(err)
		}
		if got := w.await(run, reeve.StatusCompleted); got.Attempt != 1 || string(got.Result) != `{"text":"late"}` {
			t.Fatalf("attempt %d, result %s", got.Attempt, got.Result)
		}
		n.end()
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, hello)
		_, err := n.Accept(t.Context(), &journal.Accept{Thread: "t", Create: true, Agent: "nobody", OnBusy: reeve.Enqueue})
		if reeve.CodeOf(err) != reeve.CodeAgentUnknown {
			t.Errorf("unknown agent: %v", err)
		}
		if err := n.Pause(t.Context(), "nobody", true); reeve.CodeOf(err) != reeve.CodeAgentUnknown {
			t.Errorf("pause of an unknown agent: %v", err)
		}
		if _, err := n.Cancel(t.Context(), &journal.Cancel{Run: "t.1"}); reeve.CodeOf(err) != reeve.CodeNotFound {
			t.Errorf("cancel of an unknown run: %v", err)
		}
		n.end()
		_, err = n.Accept(t.Context(), &journal.Accept{Thread: "t", Create: true, Agent: "hello", OnBusy: reeve.Enqueue})
		if reeve.CodeOf(err) != reeve.CodeUnavailable {
			t.Errorf("accept after the end: %v", err)
		}
	})
}

func TestAgentsThatCannotBe(t *testing.T) {
	slash := agent.New("a/b", func(agent.Context, text) (text, error) { return text{}, nil })
	for name, agents := range map[string][]agent.Runnable{
		"two of one name": {hello, hello}, "a slash in the name": {slash}, "nil": {nil},
	} {
		if _, err := supervisor.New(supervisor.Config{Agents: agents}); reeve.CodeOf(err) != reeve.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPausedAgentsRunsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, hello)
		if err := n.Pause(t.Context(), "hello", true); err != nil {
			t.Fatal(err)
		}
		run := w.accept(n, "hello", `{"text":"you"}`)
		time.Sleep(5 * time.Second)
		if r := w.run(run); r.Status != reeve.StatusQueued {
			t.Fatalf("the run of a paused agent is %s", r.Status)
		}
		list, err := n.List(t.Context())
		if err != nil || len(list) != 1 || !list[0].Paused {
			t.Fatalf("agents: %+v, %v", list, err)
		}
		why, err := n.Why(t.Context(), run)
		if err != nil || why.Summary != `It is queued because agent "hello" is paused: resume the agent.` {
			t.Fatalf("why: %q, %v", why.Summary, err)
		}
		if err := n.Pause(t.Context(), "hello", false); err != nil {
			t.Fatal(err)
		}
		w.await(run, reeve.StatusCompleted)
		n.end()
	})
}

// TestCancelWaitsForTheWholeTree holds the receipt: cancelled is written when every agent has returned.
func TestCancelWaitsForTheWholeTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stubborn := agent.New("stubborn", func(ctx agent.Context, in text) (text, error) {
			return agent.Step(ctx, "work", func(context.Context) (text, error) { <-release; return in, nil })
		})
		crew := agent.New("crew", func(ctx agent.Context, in text) ([]text, error) {
			return agent.Parallel(ctx, stubborn, []text{in, in})
		})
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, crew, stubborn)
		run := w.accept(n, "crew", `{"text":"x"}`)
		eventually(t, "the crew works", func() bool { return len(n.Beats(run)) == 3 })
		if _, err := n.Cancel(t.Context(), &journal.Cancel{Run: run, Reason: "enough"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if r := w.run(run); r.Status != reeve.StatusRunning {
			t.Fatalf("the run is %s while its agents go on", r.Status)
		}
		why, err := n.Why(t.Context(), run)
		if err != nil || why.Cancel == nil || len(why.Agents) != 3 || why.Agents[1].Doing != "step" || why.Agents[1].Stack == "" {
			t.Fatalf("why: %+v, %v", why, err)
		}
		named := w.log.of("an agent ignores the end of its context")
		if len(named) != 2 || named[0]["agent"] != "stubborn" || named[0]["stack"] == "" {
			t.Fatalf("the log names %v", named)
		}
		close(release)
		w.await(run, reeve.StatusCancelled)
		n.end()
	})
}

func TestInterruptEndsWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, polite, hello)
		first := w.acceptOn(n, "t", "owner", "polite", `{"text":""}`)
		res, err := n.Accept(t.Context(), &journal.Accept{
			Thread: "t", Owner: "owner", Agent: "hello",
			Input: json.RawMessage(`{"text":"you"}`), OnBusy: reeve.Interrupt,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.await(first, reeve.StatusCancelled)
		w.await(res.Run.ID, reeve.StatusCompleted)
		n.end()
	})
}

func TestRetryGoesOnFromWhereItFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second int
		broken := true
		shaky := agent.New("shaky", func(ctx agent.Context, in text) (text, error) {
			if _, err := agent.Step(ctx, "first", func(context.Context) (int, error) { first++; return first, nil }); err != nil {
				return text{}, err
			}
			return agent.Step(ctx, "second", func(context.Context) (text, error) {
				if second++; broken {
					return text{}, errors.New("not yet")
				}
				return in, nil
			}, agent.Tries(1))
		})
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, shaky)
		run := w.accept(n, "shaky", `{"text":"x"}`)
		w.await(run, reeve.StatusFailed)
		broken = false
		if _, err := n.Retry(t.Context(), &journal.Retry{Run: run}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the retry has ended", func() bool { return w.run(run).Status == reeve.StatusCompleted })
		if first != 1 || second != 2 {
			t.Fatalf("first ran %d times, second %d", first, second)
		}
		n.end()
	})
}
