package session_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/reeve-run/reeve/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, g *session.Guard, ctx context.Context) *session.Hold {
	t.Helper()
	h, err := g.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.Begin()
	return h
}

func ruleOf(err error) session.Rule {
	if e, ok := errors.AsType[*session.IllegalStateError](err); ok {
		return e.Rule
	}
	return ""
}

// The state machine against a model of it: what is inside, what is open, what
// has ended.
func TestHoldKeepsToItsModel(t *testing.T) {
	g := session.NewGuard("model")
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, g, t.Context())
		const none, inUse, rows, closing, over = "none", "in use", "rows", "closing", "over"
		model, inside, left := none, false, false
		expect := func(want session.Rule, err error) {
			if ruleOf(err) != want {
				rt.Fatalf("%s: rule %q, want %q (%v)", model, ruleOf(err), want, err)
			}
		}
		refusal := map[string]session.Rule{none: "", inUse: session.RuleOverlap, rows: session.RuleRows, closing: session.RuleOverlap, over: session.RuleEnded}
		rt.Repeat(map[string]func(*rapid.T){
			"enter": func(*rapid.T) {
				expect(refusal[model], h.Enter(session.OpQuery))
				if model == none {
					model, inside = inUse, true
				}
			},
			"resume": func(*rapid.T) {
				err := h.Resume(session.OpQuery)
				switch model {
				case rows, none:
					expect("", err)
					model, inside = inUse, true
				default:
					expect(refusal[model], err)
				}
			},
			"exit": func(rt *rapid.T) {
				if !inside {
					rt.Skip()
				}
				if alive := h.Exit(session.OpQuery); alive != (model == inUse) {
					rt.Fatalf("%s: exit says %t", model, alive)
				}
				inside = false
				if model == inUse {
					model = none
				}
			},
			"pause": func(rt *rapid.T) {
				if !inside {
					rt.Skip()
				}
				if alive := h.Pause(session.OpQuery); alive != (model == inUse) {
					rt.Fatalf("%s: pause says %t", model, alive)
				}
				inside = false
				if model == inUse {
					model = rows
				}
			},
			"close": func(*rapid.T) {
				expect(refusal[model], h.Close(session.OpCommit))
				if model == none {
					model = closing
				}
			},
			"take": func(*rapid.T) {
				left = left || model == inUse
				if release := h.Take(session.RolledBack, nil); release == left {
					rt.Fatalf("%s: to be released: %t", model, release)
				}
				model = over
			},
			"end": func(*rapid.T) {
				left = left || model == inUse
				if first := h.End(session.Committed, nil); first != (model != over) {
					rt.Fatalf("%s: first end: %t", model, first)
				}
				model = over
			},
			"": func(rt *rapid.T) {
				if h.Over() != (model == over) {
					rt.Fatalf("%s: over is %t", model, h.Over())
				}
			},
		})
		h.End(session.RolledBack, nil)
	})
	if n := session.PoolStats()["model"].Open; n != 0 {
		t.Errorf("%d units open", n)
	}
}

// Whatever goroutines do at once, one is inside, and the end comes once.
func TestOneInsideAndOneEnd(t *testing.T) {
	g := session.NewGuard("storm")
	for range 200 {
		h := open(t, g, t.Context())
		var inside, ends atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 20 {
					if h.Enter(session.OpExec) == nil {
						if inside.Add(1) > 1 && !h.Over() {
							t.Error("two inside")
						}
						inside.Add(-1)
						h.Exit(session.OpExec)
					}
				}
				if i < 2 && h.End(session.Committed, nil) {
					ends.Add(1)
				}
			})
		}
		wg.Wait()
		if ends.Load() != 1 {
			t.Fatalf("%d ends", ends.Load())
		}
	}
}

func TestErrorTellsWhatAndWhereAndWhatInstead(t *testing.T) {
	h := open(t, session.NewGuard("told"), t.Context())
	cause := errors.New("the disk is full")
	h.End(session.RolledBack, cause)
	err := h.Enter(session.OpExec)
	if !errors.Is(err, session.ErrIllegalState) || !errors.Is(err, cause) {
		t.Errorf("does not match: %v", err)
	}
	for _, part := range []string{"exec refused", "ended: rolled back", "pool told", "the disk is full", "opened at ", "ended at ", "used at ", "hold_test.go:", "instead: "} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	e, _ := errors.AsType[*session.IllegalStateError](err)
	if !strings.HasSuffix(e.Used[0].Func, "TestErrorTellsWhatAndWhereAndWhatInstead") {
		t.Errorf("used at %v", e.Used)
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[session.Mode]struct {
		refused bool
		logged  int
	}{session.Enforce: {true, 0}, session.Warn: {false, 1}, session.Off: {false, 0}} {
		t.Run(mode.String(), func(t *testing.T) {
			var log strings.Builder
			g := session.NewGuard("modes", session.WithRules(session.Rules{session.RuleNested: mode}),
				session.WithLog(slog.New(slog.NewTextHandler(&log, nil))))
			outer := open(t, g, t.Context())
			defer outer.End(session.Committed, nil)
			for range 3 {
				inner, err := g.Open(outer.Context())
				if (ruleOf(err) == session.RuleNested) != want.refused {
					t.Errorf("got %v", err)
				}
				if err == nil {
					inner.End(session.Committed, nil)
				}
			}
			if n := strings.Count(log.String(), "rule=nested"); n != want.logged {
				t.Errorf("%d warnings, want %d: %s", n, want.logged, &log)
			}
		})
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := session.NewGuard("stats")
		short, long := open(t, g, t.Context()), open(t, g, t.Context())
		time.Sleep(3 * time.Millisecond)
		short.End(session.Committed, nil)
		time.Sleep(2 * time.Second)
		if err := short.Enter(session.OpExec); err == nil {
			t.Error("no refusal")
		}
		c := session.PoolStats()["stats"]
		if c.Open != 1 || c.Opened != 2 || c.Longest != 3*time.Millisecond || c.LongestNow != 2003*time.Millisecond || c.Refused[session.RuleEnded] != 1 {
			t.Errorf("got %+v", c)
		}
		if c.Holds.Count() != 1 || c.Holds.Counts[5] != 1 || c.Holds.Sum != 3*time.Millisecond || session.Bounds[5] != .005 {
			t.Errorf("histogram %+v", c.Holds)
		}
		long.End(session.Committed, nil)
		if sum := session.Stats(); sum.Opened < 2 || sum.Longest < 2*time.Second {
			t.Errorf("together %+v", sum)
		}
	})
}

func TestUnitsListsTheOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var holder session.Holder
		ctx := session.WithHolder(t.Context(), &holder)
		a := open(t, session.NewGuard("units b"), ctx)
		time.Sleep(time.Second)
		b := open(t, session.NewGuard("units a"), ctx)
		if err := b.Enter(session.OpBatch); err != nil {
			t.Fatal(err)
		}
		units := holder.Units()
		if len(units) != 2 || units[1].Pool != "units a" || units[1].Op != "batch" || !units[1].InUse || units[0].InUse {
			t.Errorf("the holder's: %+v", units)
		}
		all := session.Units()
		if len(all) != 2 || all[0].Pool != "units b" || !all[0].Since.Before(all[1].Since) {
			t.Errorf("all: %+v", all)
		}
		a.End(session.Committed, nil)
		b.End(session.Committed, nil)
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := session.NewGuard("drain")
		h := open(t, g, t.Context())
		time.AfterFunc(time.Second, func() { h.End(session.Committed, nil) })
		if err := g.Drain(t.Context()); err != nil {
			t.Errorf("got %v", err)
		}
		left := open(t, g, t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := g.Drain(ctx)
		if e, _ := errors.AsType[*session.IllegalStateError](err); e == nil || e.Rule != session.RuleLeak || len(e.Held) != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if !left.Over() {
			t.Error("what is left goes on")
		}
	})
}

func TestAWaitEndsInACircleOfContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := session.NewGuard("circle", session.WithRules(session.Rules{session.RuleNested: session.Off}))
		a, b := open(t, g, t.Context()), open(t, g, t.Context())
		defer a.End(session.Committed, nil)
		defer b.End(session.Committed, nil)
		first := g.Wait(a.Context(), 2)
		defer first.Done()
		time.Sleep(10 * time.Second)
		if err := first.Context().Err(); err != nil {
			t.Fatalf("a verdict while one holder runs: %v", err)
		}
		second := g.Wait(b.Context(), 2)
		defer second.Done()
		<-second.Context().Done()
		if ruleOf(second.Context().Err()) != session.RuleCircle || first.Context().Err() != nil {
			t.Errorf("the youngest: %v, the other: %v", second.Context().Err(), first.Context().Err())
		}
	})
}

func TestACancelledWaitSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := session.NewGuard("cancelled").Wait(ctx, 1)
	defer w.Done()
	cancel()
	<-w.Context().Done()
	if err := w.Context().Err(); !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrIllegalState) {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotPassIsRefusedInEveryMode(t *testing.T) {
	g := session.NewGuard("off", session.WithRules(session.Rules{session.RuleEnded: session.Off, session.RuleByHand: session.Off}))
	h := open(t, g, t.Context())
	if r := ruleOf(h.RefuseByHand(session.OpRollback)); r != session.RuleByHand {
		t.Errorf("rule %q", r)
	}
	h.End(session.Committed, nil)
	if r := ruleOf(h.Enter(session.OpExec)); r != session.RuleEnded {
		t.Errorf("rule %q", r)
	}
}
