package regress

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/wire"
)

// Performance regression: what hung for twenty seconds and more ends within five.

// bound is the report's: a run of five steps that takes longer hangs.
const bound = 5 * time.Second

var fiveSteps = agent.New("five steps", func(ctx agent.Context, _ any) (int, error) {
	for i := range 5 {
		if _, err := agent.Step(ctx, "step", func(context.Context) (int, error) { return i, nil }); err != nil {
			return 0, err
		}
	}
	return 5, nil
})

// TestFiveStepsEnd follows a run over a socket to its end. One that does not end in time fails with
// the server's account of what it waits for.
func TestFiveStepsEnd(t *testing.T) {
	h := open(t, fiveSteps)
	s := dial(t, h.url)
	defer s.drop()
	began := time.Now()
	run := s.start("five steps", nil).Run
	h.await(run, bound)
	for kind := reeve.Kind(""); kind != reeve.KindRunCompleted; {
		if kind = s.next().Kind; kind.Ends() && kind != reeve.KindRunCompleted {
			t.Fatalf("the run's end is %s", kind)
		}
	}
	if took := time.Since(began); took > bound {
		t.Fatalf("the end reached the client after %s", took)
	}
}

// TestAHundredRunsInARow: none of them hangs, whatever the ones before have left behind.
func TestAHundredRunsInARow(t *testing.T) {
	h := open(t, fiveSteps)
	thread := newThread(h)
	for range 100 {
		h.await(onThread(h, thread).ID, bound)
	}
}

// BenchmarkRunsInARow shows what the first runs of a thread cost, and what the hundredth and those about it do.
func BenchmarkRunsInARow(b *testing.B) {
	const runs, few = 105, 10
	var first, hundredth []float64
	for b.Loop() {
		h := open(b, fiveSteps)
		thread := newThread(h)
		took := make([]float64, runs)
		for i := range took {
			began := time.Now()
			h.await(onThread(h, thread).ID, hang)
			took[i] = float64(time.Since(began).Microseconds()) / 1000
		}
		first = append(first, median(took[:few]))
		hundredth = append(hundredth, median(took[runs-few:]))
	}
	b.ReportMetric(median(first), "first-ms")
	b.ReportMetric(median(hundredth), "hundredth-ms")
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func newThread(h *house) reeve.ThreadID {
	h.t.Helper()
	var thread reeve.Thread
	if status := h.call("POST", "/v1/threads", wire.CreateThread{}, &thread); status != http.StatusCreated {
		h.t.Fatalf("make a thread: status %d", status)
	}
	return thread.ID
}

func onThread(h *house, thread reeve.ThreadID) reeve.Run {
	h.t.Helper()
	var run reeve.Run
	if status := h.call("POST", "/v1/threads/"+string(thread)+"/runs", wire.StartRun{Agent: "five steps"}, &run); status != http.StatusCreated {
		h.t.Fatalf("start on %s: status %d", thread, status)
	}
	return run
}
