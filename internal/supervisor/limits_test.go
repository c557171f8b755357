package supervisor_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/supervisor"
)

// crowd counts who is in a step at the same time, in all and by owner.
type crowd struct {
	mu   sync.Mutex
	now  map[string]int
	most map[string]int
}

func (c *crowd) agent() agent.Runnable {
	return agent.New("crowd", func(ctx agent.Context, in text) (text, error) {
		return agent.Step(ctx, "be there", func(context.Context) (text, error) {
			c.move(in.Text, 1)
			time.Sleep(time.Second)
			c.move(in.Text, -1)
			return in, nil
		})
	})
}

func (c *crowd) move(owner string, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, who := range []string{"", owner} {
		c.now[who] += by
		c.most[who] = max(c.most[who], c.now[who])
	}
}

// TestLimits starts runs of several owners in bursts, under limits of all sizes: none is
// ever broken, all end, and no room is wasted when everything is queued.
func TestLimits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		maxRuns := rapid.IntRange(1, 12).Draw(rt, "max runs")
		perOwner := rapid.IntRange(0, 5).Draw(rt, "per owner")
		bursts := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 3), 0, 20), 1, 4).Draw(rt, "owners by burst")
		synctest.Test(t, func(t *testing.T) {
			c := &crowd{now: map[string]int{}, most: map[string]int{}}
			w := newWorld(t, memory.New())
			n := w.start(supervisor.Config{MaxRuns: maxRuns, PerOwner: perOwner}, c.agent())
			var runs []reeve.RunID
			for i, burst := range bursts {
				for j, o := range burst {
					owner := fmt.Sprintf("owner %d", o)
					runs = append(runs, w.acceptOn(n, fmt.Sprintf("t%d-%d", i, j), owner, "crowd", fmt.Sprintf(`{"text":%q}`, owner)))
				}
				time.Sleep(1500 * time.Millisecond)
			}
			for _, run := range runs {
				w.await(run, reeve.StatusCompleted)
			}
			if c.most[""] > maxRuns {
				t.Errorf("%d runs at once: want at most %d", c.most[""], maxRuns)
			}
			for owner, most := range c.most {
				if owner != "" && perOwner > 0 && most > perOwner {
					t.Errorf("%d runs of %s at once: want at most %d", most, owner, perOwner)
				}
			}
			eventually(t, "all slots are free", func() bool { return n.InFlight() == 0 })
			n.end()
		})
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}

func TestRoomIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{now: map[string]int{}, most: map[string]int{}}
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{MaxRuns: 5}, c.agent())
		var runs []reeve.RunID
		begun := time.Now()
		for range 50 {
			runs = append(runs, w.accept(n, "crowd", `{"text":"o"}`))
		}
		why, err := n.Why(t.Context(), runs[49])
		if err != nil || why.Summary != "It is queued because the node is full: 5 runs are in hand." {
			t.Errorf("why: %q, %v", why.Summary, err)
		}
		for _, run := range runs {
			w.await(run, reeve.StatusCompleted)
		}
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("50 runs of a second, five at a time, took %s: freed slots were not told of", took)
		}
		n.end()
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		n := w.start(supervisor.Config{}, hello)
		for range 3 {
			w.await(w.accept(n, "hello", `{"text":"x"}`), reeve.StatusCompleted)
		}
		n.end()
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(n.Supervisor)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		if got["reeve_claims_total"] != 3 || got["reeve_executions_ended_total"] != 3 || got["reeve_runs_in_flight"] != 0 {
			t.Errorf("metrics: %v", got)
		}
	})
}
