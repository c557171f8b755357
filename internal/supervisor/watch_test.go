package supervisor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/supervisor"
)

func TestALongStepIsNamedAtDoubledIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := agent.New("long", func(ctx agent.Context, in text) (text, error) {
			return agent.Step(ctx, "work", func(context.Context) (text, error) { time.Sleep(50 * time.Second); return in, nil })
		})
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, long)
		run := w.accept(n, "long", `{"text":"x"}`)
		w.await(run, reeve.StatusCompleted)
		var seconds []int
		for _, line := range w.log.of("a step takes long") {
			seconds = append(seconds, int(line["elapsed_ms"].(float64))/1000)
			if line["run"] != string(run) || line["agent"] != "long" || line["what"] != "work" || line["units"] != 0.0 {
				t.Errorf("the line says %v", line)
			}
		}
		if diff := cmp.Diff([]int{5, 10, 20, 40}, seconds); diff != "" {
			t.Error(diff)
		}
		n.end()
	})
}

func TestManyLongStepsDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, polite)
		for range 500 {
			w.accept(n, "polite", `{"text":"x"}`)
		}
		time.Sleep(8 * time.Second)
		told := len(w.log.of("a step takes long"))
		for _, line := range w.log.of("more steps take long") {
			told += int(line["steps"].(float64))
		}
		if lines := len(w.log.of("a step takes long")); told != 500 || lines > 80 {
			t.Errorf("%d long steps were told of in %d lines", told, lines)
		}
		n.kill()
	})
}

func TestAStallIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := agent.New("silent", func(ctx agent.Context, in text) (text, error) {
			return agent.Step(ctx, "work", func(ctx context.Context) (text, error) {
				standStill(20 * time.Second)
				agent.Beat(ctx)
				standStill(20 * time.Second)
				return in, nil
			}, agent.StallAfter(5*time.Second))
		})
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, silent)
		run := w.accept(n, "silent", `{"text":"x"}`)
		time.Sleep(10 * time.Second)
		why, err := n.Why(t.Context(), run)
		if err != nil || len(why.Agents) != 1 || !why.Agents[0].Stalled || !strings.Contains(why.Agents[0].Stack, "standStill") {
			t.Errorf("why: %+v, %v", why, err)
		}
		if !strings.Contains(why.Summary, "stalled") {
			t.Errorf("the summary is %q", why.Summary)
		}
		w.await(run, reeve.StatusCompleted)
		if got := w.count(run, reeve.KindRunStalled); got != 2 {
			t.Errorf("%d stalls in the log: want one for each silence", got)
		}
		lines := w.log.of("an agent has stalled")
		if len(lines) != 2 || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "standStill") {
			t.Errorf("the operator reads %v", lines)
		}
		for _, e := range w.entries(run) {
			if strings.Contains(string(e.Data), ".go:") {
				t.Errorf("a line of code in entry %d: %s", e.Seq, e.Data)
			}
		}
		n.end()
	})
}

// standStill is what the test looks for in stacks.
//
//go:noinline
func standStill(d time.Duration) { time.Sleep(d) }

func TestBeatsOfATree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crew := agent.New("crew", func(ctx agent.Context, in text) (text, error) { return agent.Call(ctx, polite, in) })
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, crew, polite)
		run := w.accept(n, "crew", `{"text":"x"}`)
		eventually(t, "both are there", func() bool { return len(n.Beats(run)) == 2 })
		time.Sleep(10 * time.Second)
		beats := n.Beats(run)
		if beats[0].Path != "" || beats[1].Path != "polite" || beats[1].Run != run {
			t.Errorf("beats of %+v", beats)
		}
		if beats[1].NodeMS < 0 || beats[1].NodeMS > 1000 || beats[1].AgentMS < 10_000 || beats[1].StreamMS != -1 {
			t.Errorf("the ages are %+v", beats[1])
		}
		if got := n.Beats("nobody.1"); got != nil {
			t.Errorf("beats of a run that is not here: %v", got)
		}
		n.kill()
	})
}

func TestHomeless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, asks)
		run := w.accept(n, "asks", `{"text":""}`)
		n.end()
		next := w.start(supervisor.Config{}, hello)
		got, err := next.Homeless(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]supervisor.Homeless{{Agent: "asks", First: run, Runs: 1}}, got); diff != "" {
			t.Error(diff)
		}
		next.end()
	})
}
