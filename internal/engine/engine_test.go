package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
)

type text struct {
	Text string `json:"text"`
}

func TestStepsRunOnceAndTheResultIsTheMessage(t *testing.T) {
	hello := agent.New("hello", func(ctx agent.Context, in text) (text, error) {
		upper, err := agent.Step(ctx, "upper", func(context.Context) (string, error) { return strings.ToUpper(in.Text), nil })
		return text{upper}, err
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello)
		run := w.accept("hello", `{"text":"hi"}`)
		w.drive(run, -1)
		if got := w.run(run); got.Status != reeve.StatusCompleted || string(got.Result) != `{"text":"HI"}` {
			t.Fatalf("run is %s with %s", got.Status, got.Result)
		}
		want := []reeve.Kind{"message.added", "run.queued", "run.started", "step.completed", "message.added", "run.completed"}
		if diff := cmp.Diff(want, w.kinds(run)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestCrashProperty stops the node after every commit in turn, for a tree with parallel branches,
// questions and sleeps: the result is always that of the run that was never stopped, and
// no step whose entry is in the log runs again.
func TestCrashProperty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want, commits := crashAfter(t, -1)
		if commits < 20 {
			t.Fatalf("the tree makes %d commits: too few to mean something", commits)
		}
		for n := 1; n <= commits; n++ {
			if got, _ := crashAfter(t, n); got != want {
				t.Fatalf("stopped after commit %d:\n got %s\nwant %s", n, got, want)
			}
		}
	})
}

func crashAfter(t *testing.T, n int) (result string, commits int) {
	t.Helper()
	var done tally // steps whose entry was in the log when their function ran
	w := newWorld(t)
	work := func(ctx context.Context, run reeve.RunID) {
		for _, e := range w.entries(run) {
			if e.Kind == reeve.KindStepCompleted && agent.Key(ctx) == string(run)+"/"+e.Path {
				done.add(e.Path)
			}
		}
	}
	for _, a := range crew(work) {
		w.agents[a.Name()] = a
	}
	run := w.accept("crew", `3`)
	stop := answering(t, w, run)
	defer stop()
	w.drive(run, n)
	w.drive(run, -1)
	got := w.run(run)
	if got.Status != reeve.StatusCompleted {
		t.Fatalf("stopped after commit %d: run is %s: %+v", n, got.Status, got.Error)
	}
	if len(done.n) > 0 {
		t.Fatalf("stopped after commit %d: ran again: %v", n, done.n)
	}
	return string(got.Result), len(w.entries(run))
}

// crew is a tree with everything in it.
func crew(work func(context.Context, reeve.RunID)) []agent.Runnable {
	run := func(ctx context.Context) reeve.RunID {
		id, _, _ := strings.Cut(agent.Key(ctx), "/")
		return reeve.RunID(id)
	}
	step := func(ctx agent.Context, name string, v int) (int, error) {
		return agent.Step(ctx, name, func(ctx context.Context) (int, error) {
			work(ctx, run(ctx))
			_ = agent.Emit(ctx, "working on "+name)
			return v, nil
		})
	}
	member := agent.New("member", func(ctx agent.Context, n int) (int, error) {
		a, err := step(ctx, "first", n)
		if err != nil {
			return 0, err
		}
		if n%2 == 0 {
			if err := agent.Sleep(ctx, "nap", time.Duration(n+1)*time.Second); err != nil {
				return 0, err
			}
		}
		b, err := step(ctx, "second", 10*n)
		return a + b, err
	})
	crew := agent.New("crew", func(ctx agent.Context, n int) (string, error) {
		started := agent.Now(ctx)
		_ = agent.Emit(ctx, "hello ")
		inputs := make([]int, n)
		for i := range inputs {
			inputs[i] = i
		}
		sums, err := agent.Parallel(ctx, member, inputs, agent.AtMost(2))
		if err != nil {
			return "", err
		}
		color, err := agent.Ask(ctx, "color", agent.Question[string]{Text: "Which?"})
		if err != nil {
			return "", err
		}
		size, err := agent.Ask(ctx, "size", agent.Question[int]{Text: "How big?", Deadline: 5 * time.Minute, Default: new(7)})
		if err != nil {
			return "", err
		}
		beside := agent.Go(ctx, member, 5)
		for i := range 2 {
			if _, err := step(ctx, "loop", i); err != nil {
				return "", err
			}
		}
		sum, err := beside.Wait(ctx)
		if err != nil {
			return "", err
		}
		if err := agent.Sleep(ctx, "long", 10*time.Minute); err != nil {
			return "", err
		}
		_ = agent.Emit(ctx, "world")
		return fmt.Sprint(sums, color, size, sum, agent.Now(ctx).Sub(started) > 15*time.Minute), nil
	})
	return []agent.Runnable{member, crew}
}

// answering answers the question "color" once it is open, as a client would.
func answering(t *testing.T, w *world, run reeve.RunID) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			time.Sleep(30 * time.Second)
			_, _ = w.store.Commit(ctx, []journal.Op{&journal.Answer{Run: run, Path: "color", Value: json.RawMessage(`"red"`), By: "client"}})
		}
	}()
	return func() { cancel(); <-done }
}

func TestBodyTextIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := range 12 {
			w := newWorld(t, agent.New("talk", func(ctx agent.Context, _ struct{}) (int, error) {
				for i := range 5 {
					_ = agent.Emit(ctx, fmt.Sprintf("é%d ", i))
					if _, err := agent.Step(ctx, "s", func(context.Context) (int, error) { return i, nil }); err != nil {
						return 0, err
					}
				}
				return 5, nil
			}))
			run := w.accept("talk", `{}`)
			w.drive(run, n+1)
			w.drive(run, -1)
			text := ""
			for _, e := range w.entries(run) {
				if e.Kind != reeve.KindTextAppended {
					continue
				}
				var a reeve.TextAppended
				if err := json.Unmarshal(e.Data, &a); err != nil {
					t.Fatal(err)
				}
				if a.Offset != int64(len(text)) {
					t.Fatalf("crash after %d: text at offset %d follows %q", n+1, a.Offset, text)
				}
				text += a.Text
			}
			if text != "é0 é1 é2 é3 é4 " {
				t.Fatalf("crash after %d: text is %q", n+1, text)
			}
		}
	})
}

func TestFailures(t *testing.T) {
	boom := errors.New("boom")
	cases := map[string]struct {
		body func(agent.Context) (any, error)
		code reeve.Code
		says string
		runs int
	}{
		"three tries":   {body: failing(boom), code: reeve.CodeStepFailed, says: "boom", runs: 3},
		"permanent":     {body: failing(agent.Permanent(boom)), code: reeve.CodeStepFailed, says: "boom", runs: 1},
		"coded":         {body: failing(reeve.Errorf(reeve.CodeConflict, "taken")), code: reeve.CodeConflict, says: "taken", runs: 3},
		"step panics":   {body: step(func() (any, error) { panic("ouch") }), code: reeve.CodePanic, says: "ouch", runs: 1},
		"body panics":   {body: func(agent.Context) (any, error) { panic("ouch") }, code: reeve.CodePanic, says: "ouch"},
		"not a number":  {body: step(func() (any, error) { return math.NaN(), nil }), code: reeve.CodeNotJSON, says: "step s", runs: 1},
		"a channel":     {body: func(agent.Context) (any, error) { return make(chan int), nil }, code: reeve.CodeNotJSON, says: "agent failing"},
		"too large":     {body: step(func() (any, error) { return strings.Repeat("x", reeve.MaxEntry), nil }), code: reeve.CodeTooLarge, says: `step.completed at "s"`, runs: 1},
		"no such name":  {body: func(ctx agent.Context) (any, error) { return nil, agent.Sleep(ctx, "a/b", 1) }, code: reeve.CodeInvalid, says: "no / and no #"},
		"unanswered":    {body: unanswered, code: reeve.CodeUnanswered, says: "before the deadline"},
		"own timeout":   {body: timeout, code: reeve.CodeTimeout, says: "over its timeout", runs: 1},
		"body's errors": {body: func(agent.Context) (any, error) { return nil, boom }, code: reeve.CodeAgentFailed, says: "boom"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, agent.New("failing", func(ctx agent.Context, _ any) (any, error) { return c.body(ctx) }))
				run := w.accept("failing", `{}`)
				w.drive(run, -1)
				got := w.run(run)
				if got.Status != reeve.StatusFailed || got.Error.Code != c.code || !strings.Contains(got.Error.Message, c.says) {
					t.Fatalf("run is %s with %+v, want code %s and %q", got.Status, got.Error, c.code, c.says)
				}
				if n := count(w.kinds(run), reeve.KindStepFailed); n != c.runs {
					t.Fatalf("%d entries step.failed, want %d", n, c.runs)
				}
			})
		})
	}
}

func step(fn func() (any, error)) func(agent.Context) (any, error) {
	return func(ctx agent.Context) (any, error) {
		return agent.Step(ctx, "s", func(context.Context) (any, error) { return fn() })
	}
}

func failing(err error) func(agent.Context) (any, error) {
	return step(func() (any, error) { return nil, err })
}

func unanswered(ctx agent.Context) (any, error) {
	return agent.Ask(ctx, "q", agent.Question[int]{Deadline: time.Second})
}

func timeout(ctx agent.Context) (any, error) {
	return agent.Step(ctx, "s", func(ctx context.Context) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, agent.Timeout(time.Second), agent.Tries(1))
}

func count(kinds []reeve.Kind, k reeve.Kind) (n int) {
	for _, have := range kinds {
		if have == k {
			n++
		}
	}
	return n
}

func TestReplayOfOtherCodeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"one", "two"}
		w := newWorld(t, agent.New("changing", func(ctx agent.Context, _ any) (any, error) {
			for _, name := range slices.Clone(names) {
				if _, err := agent.Step(ctx, name, func(context.Context) (int, error) { return 1, nil }); err != nil {
					return nil, err
				}
			}
			return nil, agent.Sleep(ctx, "wait", time.Hour)
		}))
		for what, change := range map[string][]string{"renamed": {"one", "zwei"}, "removed": {"one"}} {
			names = []string{"one", "two"}
			run := w.accept("changing", `{}`)
			w.drive(run, 2) // the two steps
			names = change
			w.drive(run, -1)
			got := w.run(run)
			if got.Status != reeve.StatusFailed || got.Error.Code != reeve.CodeDiverged || !strings.Contains(got.Error.Message, "two") {
				t.Fatalf("%s: run is %s with %+v", what, got.Status, got.Error)
			}
		}
	})
}

func TestCancelGoesDownTheTreeAndWaitsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var returned tally
		leaf := agent.New("leaf", func(ctx agent.Context, n int) (int, error) {
			return agent.Step(ctx, "slow", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				time.Sleep(time.Duration(n) * time.Second)
				returned.add("leaf")
				return 0, ctx.Err()
			})
		})
		root := agent.New("root", func(ctx agent.Context, _ any) ([]int, error) {
			return agent.Parallel(ctx, leaf, []int{1, 2, 3})
		})
		w := newWorld(t, root, leaf)
		run := w.accept("root", `{}`)
		go func() {
			time.Sleep(20 * time.Second)
			_, _ = w.store.Commit(context.Background(), []journal.Op{&journal.Cancel{Run: run, Reason: "enough"}})
		}()
		started := time.Now()
		w.drive(run, -1)
		if got := w.run(run); got.Status != reeve.StatusCancelled || returned.n["leaf"] != 3 {
			t.Fatalf("run is %s after %d leaves returned", got.Status, returned.n["leaf"])
		}
		if took := time.Since(started); took < 23*time.Second {
			t.Fatalf("cancelled after %s: before the slowest leaf returned", took)
		}
	})
}

func TestAWaitingRunHoldsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, agent.New("patient", func(ctx agent.Context, _ any) (string, error) {
			return agent.Ask(ctx, "color", agent.Question[string]{Text: "Which?"})
		}))
		run := w.accept("patient", `{}`)
		go func() {
			time.Sleep(10 * time.Minute)
			_, _ = w.store.Commit(context.Background(), []journal.Op{&journal.Answer{Run: run, Path: "color", Value: json.RawMessage(`"blue"`), By: "client"}})
		}()
		outcomes := w.drive(run, -1)
		if len(outcomes) != 2 || outcomes[0].End != engine.Waiting || outcomes[1].End != engine.Completed {
			t.Fatalf("outcomes %+v", outcomes)
		}
		if got := w.run(run); string(got.Result) != `"blue"` || got.Attempt != 1 {
			t.Fatalf("result %s of attempt %d", got.Result, got.Attempt)
		}
	})
}

func TestRetryRunsOnlyWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran tally
		broken := true
		leaf := agent.New("leaf", func(ctx agent.Context, n int) (int, error) {
			if _, err := agent.Step(ctx, "before", func(context.Context) (int, error) { ran.add("before"); return n, nil }); err != nil {
				return 0, err
			}
			return agent.Step(ctx, "work", func(context.Context) (int, error) {
				ran.add(fmt.Sprint("work", n))
				if n == 1 && broken {
					return 0, agent.Permanent(errors.New("broken"))
				}
				return n, nil
			})
		})
		root := agent.New("root", func(ctx agent.Context, _ any) ([]int, error) {
			return agent.Parallel(ctx, leaf, []int{0, 1, 2})
		})
		w := newWorld(t, root, leaf)
		run := w.accept("root", `{}`)
		w.drive(run, -1)
		if got := w.run(run); got.Status != reeve.StatusFailed {
			t.Fatalf("run is %s", got.Status)
		}
		broken = false
		if res, err := w.store.Commit(t.Context(), []journal.Op{&journal.Retry{Run: run}}); err != nil || res[0].Err != nil {
			t.Fatal(err, res)
		}
		w.drive(run, -1)
		want := map[string]int{"before": 3, "work0": 1, "work1": 2, "work2": 1}
		if diff := cmp.Diff(want, ran.n); diff != "" {
			t.Fatal(diff)
		}
		if got := w.run(run); string(got.Result) != `[0,1,2]` {
			t.Fatalf("run is %s with %s", got.Status, got.Result)
		}
	})
}

func TestACallIsTriedAgainWithoutItsFinishedSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran tally
		leaf := agent.New("leaf", func(ctx agent.Context, _ int) (int, error) {
			if _, err := agent.Step(ctx, "before", func(context.Context) (int, error) { ran.add("before"); return 1, nil }); err != nil {
				return 0, err
			}
			return agent.Step(ctx, "work", func(context.Context) (int, error) {
				if ran.add("work") < 3 {
					return 0, errors.New("not yet")
				}
				return 9, nil
			}, agent.Tries(1))
		})
		root := agent.New("root", func(ctx agent.Context, _ any) (int, error) {
			return agent.Call(ctx, leaf, 1, agent.Tries(5))
		})
		w := newWorld(t, root, leaf)
		run := w.accept("root", `{}`)
		w.drive(run, -1)
		if diff := cmp.Diff(map[string]int{"before": 1, "work": 3}, ran.n); diff != "" {
			t.Fatal(diff)
		}
		if got := w.run(run); string(got.Result) != `9` {
			t.Fatalf("run is %s with %s, %+v", got.Status, got.Result, got.Error)
		}
	})
}

func TestAnOperationInsideAStepIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, agent.New("smuggler", func(outer agent.Context, _ any) (int, error) {
			return agent.Step(outer, "s", func(context.Context) (int, error) {
				return agent.Step(outer, "inner", func(context.Context) (int, error) { return 1, nil })
			})
		}))
		run := w.accept("smuggler", `{}`)
		w.drive(run, -1)
		if got := w.run(run); got.Error == nil || got.Error.Code != reeve.CodeIllegalState {
			t.Fatalf("run is %s with %+v", got.Status, got.Error)
		}
	})
}
