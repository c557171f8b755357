package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// TestTheStackOfAPanicIsTheOperators: it is in his log, with the function that panicked, and in no entry.
func TestTheStackOfAPanicIsTheOperators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (any, error) { return step(ouch)(ctx) }))
		w.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		run := w.accept("a", `{}`)
		w.drive(run, -1)
		if !strings.Contains(log.String(), "stack=") || !strings.Contains(log.String(), "engine_test.ouch") {
			t.Errorf("the log has no stack: %s", log.String())
		}
		for _, e := range w.entries(run) {
			if strings.Contains(string(e.Data), "goroutine") || strings.Contains(string(e.Data), ".go:") {
				t.Errorf("%s shows a stack: %s", e.Kind, e.Data)
			}
		}
	})
}

func ouch() (any, error) { panic("ouch") }

func TestTreesAreBounded(t *testing.T) {
	leaf := agent.New("leaf", func(agent.Context, int) (int, error) { return 1, nil })
	var deep *agent.Agent[int, int]
	deep = agent.New("deep", func(ctx agent.Context, n int) (int, error) { return agent.Call(ctx, deep, n+1) })
	for name, root := range map[string]agent.Runnable{
		"deep": deep,
		"wide": agent.New("wide", func(ctx agent.Context, _ int) ([]int, error) {
			return agent.Parallel(ctx, leaf, make([]int, 5))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, root, leaf)
				w.cfg.MaxDepth, w.cfg.MaxCalls = 2, 3
				run := w.accept(root.Name(), `1`)
				w.drive(run, -1)
				if got := w.run(run); got.Error == nil || got.Error.Code != reeve.CodeTooLarge {
					t.Fatalf("run is %s with %+v", got.Status, got.Error)
				}
			})
		})
	}
}

// TestAStreamWaitsForTheStore: what is on its way is bounded, and said once.
func TestAStreamWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var emitted atomic.Int32
		w := newWorld(t, agent.New("a", func(ctx agent.Context, _ any) (int, error) {
			return agent.Step(ctx, "s", func(ctx context.Context) (int, error) {
				for range 100 {
					if err := agent.Emit(ctx, strings.Repeat("x", 1000)); err != nil {
						return 0, err
					}
					emitted.Add(1)
				}
				return 1, nil
			})
		}))
		w.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		w.cfg.MaxText = 4 << 10
		w.slow = 20 * time.Second
		run := w.accept("a", `{}`)
		go func() {
			time.Sleep(15 * time.Second)
			if n := emitted.Load(); n > 10 {
				t.Errorf("%d KB were taken while nothing was durable", n)
			}
		}()
		w.drive(run, -1)
		if got := w.run(run); got.Status != reeve.StatusCompleted {
			t.Fatalf("run is %s with %+v", got.Status, got.Error)
		}
		if n := strings.Count(log.String(), "faster than the store"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
	})
}
