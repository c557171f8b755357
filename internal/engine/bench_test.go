package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
)

// BenchmarkRuns executes runs of five steps, 100 at once, over the in-memory store: what the engine and
// the journal cost without a database.
func BenchmarkRuns(b *testing.B) {
	five := agent.New("five", func(ctx agent.Context, n int) (int, error) {
		for i := range 5 {
			if _, err := agent.Step(ctx, "step", func(context.Context) (int, error) { return i, nil }); err != nil {
				return 0, err
			}
		}
		return n, nil
	})
	store := memory.New()
	if err := store.Join(b.Context(), journal.Node{ID: "n"}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	j := journal.New(store, journal.Config{})
	done := make(chan struct{})
	go func() { defer close(done); _ = j.Run(ctx) }()
	e := engine.New(engine.Config{Journal: j, Agents: map[string]agent.Runnable{"five": five}})
	var ids atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(50)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			res, err := j.Do(ctx, &journal.Accept{
				Thread: reeve.ThreadID(fmt.Sprint("t", ids.Add(1))), Create: true, Agent: "five",
				Input: json.RawMessage(`1`), OnBusy: reeve.Enqueue, Take: "n",
			})
			if err != nil {
				b.Error(err)
				return
			}
			if out := e.Begin(*res.Claimed).Run(ctx); out.End != engine.Completed {
				b.Errorf("%+v", out)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)*5/b.Elapsed().Seconds(), "steps/s")
	cancel()
	<-done
}
