package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// end runs an agent and gives its run as it ended; each is called in a bubble of its own.
func end(t *testing.T, input string, agents ...agent.Runnable) (*world, reeve.Run) {
	t.Helper()
	w := newWorld(t, agents...)
	run := w.accept(agents[0].Name(), input)
	w.drive(run, -1)
	return w, w.run(run)
}

func bubble(t *testing.T, name string, fn func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, fn) })
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// TestForeignErrorsCannotHarmTheNode: whatever the methods of an author's error do.
func TestForeignErrorsCannotHarmTheNode(t *testing.T) {
	leaf := agent.New("leaf", func(agent.Context, int) (int, error) {
		var e *nilError
		return 0, e
	})
	for name, body := range map[string]func(agent.Context) (any, error){
		"body": func(agent.Context) (any, error) {
			var e *nilError
			return nil, e
		},
		"branch": func(ctx agent.Context) (any, error) { return agent.Parallel(ctx, leaf, []int{1, 2}) },
		"step": step(func() (any, error) {
			var e *nilError
			return nil, e
		}),
	} {
		bubble(t, name, func(t *testing.T) {
			_, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (any, error) { return body(ctx) }))
			if got.Status != reeve.StatusFailed || got.Error.Code != reeve.CodePanic {
				t.Fatalf("run is %s with %+v", got.Status, got.Error)
			}
		})
	}
}

// TestAFailureAlwaysFits: thousands of failing branches with long names still end their run.
func TestAFailureAlwaysFits(t *testing.T) {
	bubble(t, "wide", func(t *testing.T) {
		leaf := agent.New(strings.Repeat("leaf", 40), func(ctx agent.Context, _ int) (int, error) {
			return agent.StepKey(ctx, "s", strings.Repeat("k", 500), func(context.Context) (int, error) {
				return 0, agent.Permanent(errors.New(strings.Repeat("long ", 5000)))
			})
		})
		_, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (any, error) {
			return agent.Parallel(ctx, leaf, make([]int, 300))
		}))
		if got.Status != reeve.StatusFailed || len(got.Error.Paths) == 0 {
			t.Fatalf("run is %s with %d paths", got.Status, len(got.Error.Paths))
		}
	})
}

func TestParallelCallsAreEachTriedAgain(t *testing.T) {
	bubble(t, "four", func(t *testing.T) {
		var ran tally
		leaf := agent.New("leaf", func(ctx agent.Context, n int) (int, error) {
			return agent.Step(ctx, "work", func(context.Context) (int, error) {
				if ran.add(fmt.Sprint(n)) == 1 {
					return 0, errors.New("the first time")
				}
				return n, nil
			}, agent.Tries(1))
		})
		_, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) ([]int, error) {
			return agent.Parallel(ctx, leaf, []int{1, 2, 3, 4}, agent.Tries(2))
		}))
		if string(got.Result) != `[1,2,3,4]` {
			t.Fatalf("run is %s with %s %+v, steps %v", got.Status, got.Result, got.Error, ran.n)
		}
	})
}

// TestWhatAnsweredAFailureIsForgottenWithIt: a clean-up after a failed step does not stand in the way
// of a retry, of the run or of the call.
func TestWhatAnsweredAFailureIsForgottenWithIt(t *testing.T) {
	charge := func(broken *bool) func(ctx agent.Context, _ any) (any, error) {
		return func(ctx agent.Context, _ any) (any, error) {
			n, err := agent.Step(ctx, "charge", func(context.Context) (int, error) {
				if *broken {
					*broken = false
					return 0, agent.Permanent(errors.New("declined"))
				}
				return 5, nil
			})
			if err != nil {
				_, told := agent.Step(ctx, "notify", func(context.Context) (int, error) { return 1, nil })
				return nil, errors.Join(err, told)
			}
			return n, nil
		}
	}
	bubble(t, "retried run", func(t *testing.T) {
		broken := true
		w, got := end(t, `{}`, agent.New("a", charge(&broken)))
		if got.Status != reeve.StatusFailed {
			t.Fatalf("run is %s", got.Status)
		}
		if res, err := w.store.Commit(t.Context(), []journal.Op{&journal.Retry{Run: got.ID}}); err != nil || res[0].Err != nil {
			t.Fatal(err, res)
		}
		w.drive(got.ID, -1)
		if got = w.run(got.ID); string(got.Result) != `5` {
			t.Fatalf("run is %s with %+v", got.Status, got.Error)
		}
	})
	for n := range 8 {
		bubble(t, fmt.Sprintf("retried call, crash after %d", n), func(t *testing.T) {
			broken := true
			leaf := agent.New("leaf", charge(&broken))
			w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (any, error) {
				return agent.Call(ctx, leaf, nil, agent.Tries(2))
			}), leaf)
			run := w.accept("a", `{}`)
			w.drive(run, n)
			w.drive(run, -1)
			if got := w.run(run); string(got.Result) != `5` {
				t.Fatalf("run is %s with %+v", got.Status, got.Error)
			}
		})
	}
}

func TestAnAbandonedStepIsNotRecorded(t *testing.T) {
	bubble(t, "sibling", func(t *testing.T) {
		slow := agent.New("slow", func(ctx agent.Context, _ int) (int, error) {
			return agent.Step(ctx, "slow", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
		})
		w, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (int, error) {
			agent.Go(ctx, slow, 1)
			return agent.Step(ctx, "fails", func(context.Context) (int, error) {
				time.Sleep(time.Second)
				return 0, agent.Permanent(errors.New("no"))
			})
		}))
		for _, e := range w.entries(got.ID) {
			if e.Kind == reeve.KindStepFailed && e.Path != "fails" || e.Kind == reeve.KindAgentReturned {
				t.Errorf("recorded %s %s %s", e.Kind, e.Path, e.Data)
			}
		}
	})
}

// TestBoundsHoldAcrossAWait: a timeout around a question fires although the run has let go of its node, and
// a late answer finds the question closed.
func TestBoundsHoldAcrossAWait(t *testing.T) {
	ask := func(ctx agent.Context) (string, error) {
		return agent.Ask(ctx, "q", agent.Question[string]{Text: "?"})
	}
	asker := agent.New("asker", func(ctx agent.Context, _ int) (string, error) { return ask(ctx) })
	for name, body := range map[string]func(agent.Context) (string, error){
		"WithTimeout": func(ctx agent.Context) (string, error) {
			short, cancel := agent.WithTimeout(ctx, 10*time.Minute)
			defer cancel()
			return ask(short)
		},
		"a call's Timeout": func(ctx agent.Context) (string, error) {
			return agent.Call(ctx, asker, 1, agent.Timeout(10*time.Minute))
		},
	} {
		bubble(t, name, func(t *testing.T) {
			begun := time.Now()
			_, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (string, error) {
				if _, err := body(ctx); reeve.CodeOf(errOf(err)) != reeve.CodeTimeout {
					return "", fmt.Errorf("the wait ended with %w", err)
				}
				if err := agent.Sleep(ctx, "later", time.Hour); err != nil {
					return "", err
				}
				return agent.Step(ctx, "fallback", func(context.Context) (string, error) { return "fell back", nil })
			}))
			if string(got.Result) != `"fell back"` {
				t.Fatalf("run is %s with %s %+v", got.Status, got.Result, got.Error)
			}
			if took := time.Since(begun); took < 70*time.Minute || took > 72*time.Minute {
				t.Fatalf("it took %s", took)
			}
		})
	}
}

// errOf makes a coded error of a StepError, for CodeOf.
func errOf(err error) error {
	if e, ok := errors.AsType[*agent.StepError](err); ok {
		return reeve.Errorf(e.Code, "%s", e.Message)
	}
	return err
}

func TestAWaitThatWasGivenUpStaysGivenUp(t *testing.T) {
	for n := range 12 {
		bubble(t, fmt.Sprintf("crash after %d", n), func(t *testing.T) {
			slow := agent.New("slow", func(ctx agent.Context, _ int) (int, error) {
				return 1, agent.Sleep(ctx, "s", 20*time.Minute)
			})
			w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (string, error) {
				f := agent.Go(ctx, slow, 1)
				short, cancel := agent.WithTimeout(ctx, 5*time.Minute)
				defer cancel()
				if _, err := f.Wait(short); reeve.CodeOf(errOf(err)) != reeve.CodeTimeout {
					return "", fmt.Errorf("the wait ended with %w", err)
				}
				if _, err := agent.Step(ctx, "fallback", func(context.Context) (int, error) { return 1, nil }); err != nil {
					return "", err
				}
				_, err := f.Wait(ctx)
				return "both", err
			}), slow)
			run := w.accept("a", `{}`)
			w.drive(run, n)
			givenUp := count(w.kinds(run), reeve.KindStepFailed) == 1 // else nobody has waited in vain yet
			time.Sleep(30 * time.Minute)
			w.drive(run, -1)
			if got := w.run(run); givenUp && string(got.Result) != `"both"` {
				t.Fatalf("run is %s with %+v", got.Status, got.Error)
			}
		})
	}
}

func TestGoexitFailsTheRun(t *testing.T) {
	leaf := agent.New("leaf", func(agent.Context, int) (int, error) { runtime.Goexit(); return 1, nil })
	for name, body := range map[string]func(agent.Context) (any, error){
		"body":   func(agent.Context) (any, error) { runtime.Goexit(); return nil, nil },
		"step":   step(func() (any, error) { runtime.Goexit(); return nil, nil }),
		"branch": func(ctx agent.Context) (any, error) { return agent.Parallel(ctx, leaf, []int{1}) },
	} {
		bubble(t, name, func(t *testing.T) {
			w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (any, error) { return body(ctx) }))
			run := w.accept("a", `{}`)
			done := make(chan struct{})
			go func() { // it may not come back
				defer close(done)
				w.drive(run, -1)
			}()
			<-done
			if got := w.run(run); got.Status != reeve.StatusFailed || got.Error.Code != reeve.CodePanic {
				t.Fatalf("run is %s with %s %+v", got.Status, got.Result, got.Error)
			}
		})
	}
}

func TestTextIsWholeWhateverIsEmitted(t *testing.T) {
	long := strings.Repeat("<&>", 700_000)
	for name, c := range map[string]struct{ emit, want []string }{
		"broken":     {[]string{"a\xff", "b"}, []string{"a\uFFFDb"}},
		"split rune": {[]string{"\xc3", "\xa9"}, []string{"é"}},
		"long":       {[]string{long, long, long}, []string{long + long + long}},
	} {
		bubble(t, name, func(t *testing.T) {
			w, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (int, error) {
				return agent.Step(ctx, "s", func(ctx context.Context) (int, error) {
					for _, text := range c.emit {
						if err := agent.Emit(ctx, text); err != nil {
							return 0, err
						}
					}
					return 1, nil
				})
			}))
			text := ""
			for _, e := range w.entries(got.ID) {
				if e.Kind != reeve.KindTextAppended {
					continue
				}
				var a reeve.TextAppended
				if err := json.Unmarshal(e.Data, &a); err != nil || a.Offset != int64(len(text)) {
					t.Fatalf("offset %d after %d bytes: %v", a.Offset, len(text), err)
				}
				text += a.Text
			}
			if got.Status != reeve.StatusCompleted || text != c.want[0] {
				t.Fatalf("run is %s, %d bytes of text, want %d", got.Status, len(text), len(c.want[0]))
			}
		})
	}
}

func TestEmitAfterTheStepIsRefused(t *testing.T) {
	bubble(t, "leftover", func(t *testing.T) {
		var late error
		var all sync.WaitGroup
		_, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (int, error) {
			n, err := agent.Step(ctx, "s", func(ctx context.Context) (int, error) {
				all.Go(func() {
					time.Sleep(time.Second)
					late = agent.Emit(ctx, "late")
				})
				return 1, nil
			})
			all.Wait()
			return n, err
		}))
		if got.Status != reeve.StatusCompleted || late == nil {
			t.Fatalf("run is %s, the late text: %v", got.Status, late)
		}
	})
}

func TestATryIsNotNumberedTwiceInAnAttempt(t *testing.T) {
	bubble(t, "handed over", func(t *testing.T) {
		w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (int, error) {
			return agent.Step(ctx, "s", func(ctx context.Context) (int, error) {
				_ = agent.Emit(ctx, "Hello")
				select {
				case <-ctx.Done():
					return 0, ctx.Err()
				case <-time.After(time.Minute):
					return 1, nil
				}
			})
		}))
		run := w.accept("a", `{}`)
		w.letGoAfter = 10 * time.Second
		w.drive(run, -1)
		seen := map[int]int{}
		for _, e := range w.entries(run) {
			if e.Kind == reeve.KindTextAppended {
				seen[e.Try]++
			}
		}
		if got := w.run(run); got.Status != reeve.StatusCompleted || got.Attempt != 1 {
			t.Fatalf("run is %s, attempt %d: %+v", got.Status, got.Attempt, got.Error)
		}
		if diff := cmp.Diff(map[int]int{1: 1, 2: 1}, seen); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAResultThatComesAfterACancelCounts(t *testing.T) {
	bubble(t, "late", func(t *testing.T) {
		w := newWorld(t, agent.New("a", func(agent.Context, any) (int, error) {
			time.Sleep(30 * time.Second)
			return 7, nil
		}))
		run := w.accept("a", `{}`)
		go func() {
			time.Sleep(10 * time.Second)
			_, _ = w.store.Commit(context.Background(), []journal.Op{&journal.Cancel{Run: run}})
		}()
		w.drive(run, -1)
		if got := w.run(run); got.Status != reeve.StatusCompleted {
			t.Fatalf("run is %s", got.Status)
		}
	})
}

func TestAnAnswerOfTheWrongTypeIsSaid(t *testing.T) {
	bubble(t, "bool", func(t *testing.T) {
		w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (bool, error) {
			return agent.Ask(ctx, "sure", agent.Question[bool]{Text: "Sure?"})
		}))
		run := w.accept("a", `{}`)
		go func() {
			time.Sleep(10 * time.Second)
			_, _ = w.store.Commit(context.Background(), []journal.Op{&journal.Answer{Run: run, Path: "sure", Value: json.RawMessage(`"yes"`), By: "client"}})
		}()
		w.drive(run, -1)
		if got := w.run(run); got.Error == nil || got.Error.Code != reeve.CodeInvalid || !strings.Contains(got.Error.Message, "sure") {
			t.Fatalf("run is %s with %+v", got.Status, got.Error)
		}
	})
}

func TestAnExpiredBoundStopsNewOperationsAndNotTheTime(t *testing.T) {
	leaf := agent.New("leaf", func(agent.Context, int) (int, error) { return 0, nil })
	bubble(t, "expired", func(t *testing.T) {
		_, got := end(t, `{}`, agent.New("a", func(ctx agent.Context, _ any) (int, error) {
			short, cancel := agent.WithTimeout(ctx, time.Second)
			defer cancel()
			if err := agent.Sleep(ctx, "longer", 2*time.Second); err != nil {
				return 0, err
			}
			_, step := agent.Step(short, "s", func(context.Context) (int, error) { return 1, nil })
			_, call := agent.Call(short, leaf, 1)
			_, ask := agent.Ask(short, "q", agent.Question[int]{})
			for _, err := range []error{step, call, ask, agent.Sleep(short, "n", 1)} {
				if reeve.CodeOf(errOf(err)) != reeve.CodeTimeout {
					return 0, fmt.Errorf("an operation on an expired context: %w", err)
				}
			}
			if agent.Now(short).IsZero() {
				return 0, errors.New("no time")
			}
			return 1, nil
		}))
		if got.Status != reeve.StatusCompleted {
			t.Fatalf("run is %s with %+v", got.Status, got.Error)
		}
	})
}

func TestRedactSeesEveryCopy(t *testing.T) {
	bubble(t, "mask", func(t *testing.T) {
		leaf := agent.New("leaf", func(_ agent.Context, in string) (string, error) { return in + " secret", nil })
		w := newWorld(t, agent.New("a", func(ctx agent.Context, fail bool) (string, error) {
			out, err := agent.Call(ctx, leaf, "my")
			if err != nil || strings.Contains(out, "secret") {
				return "", fmt.Errorf("the live call gave %q: not what replay would: %w", out, err)
			}
			if fail {
				return "", errors.New("a secret failure")
			}
			return "a secret result", nil
		}))
		w.redact = func(_ reeve.Kind, data json.RawMessage) json.RawMessage {
			return json.RawMessage(strings.ReplaceAll(string(data), "secret", "***"))
		}
		for _, fail := range []string{"false", "true"} {
			run := w.accept("a", fail)
			w.drive(run, -1)
			got := w.run(run)
			if text := fmt.Sprint(string(got.Result), got.Error); strings.Contains(text, "secret") || !strings.Contains(text, "***") {
				t.Errorf("the run's row says %s", text)
			}
		}
	})
}
