package server_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/wire"
)

// TestAStopDrains: the run that is under way ends, clients read until then, and readyz says no.
func TestAStopDrains(t *testing.T) {
	release, inside := make(chan struct{}), make(chan struct{})
	slow := agent.New("slow", func(ctx agent.Context, in text) (text, error) {
		return agent.Step(ctx, "work", func(context.Context) (text, error) {
			close(inside)
			<-release
			return in, nil
		})
	})
	cfg := config(t, slow)
	cfg.Grace = time.Minute
	s := start(t, cfg)
	var run reeve.Run
	s.do("POST", "/v1/runs", `{"agent":"slow","input":{"text":"x"}}`, &run)
	<-inside
	s.stop()
	var ready wire.Health
	for status := 0; status != 503; {
		status = s.do("GET", "/readyz", "", &ready)
	}
	if reason := ready.Checks["ready"].Reason; reason != "the server is stopping" {
		t.Errorf("readyz says %q", reason)
	}
	if status := s.do("POST", "/v1/runs", `{"agent":"slow","input":{"text":"x"}}`, nil); status != 503 {
		t.Errorf("a new run while stopping: %d", status)
	}
	if status := s.do("GET", "/livez", "", nil); status != 200 {
		t.Errorf("livez: %d", status)
	}
	close(release)
	s.wait()

	next := start(t, cfg)
	if got := next.await(run.ID, reeve.StatusCompleted); got.Attempt != 1 {
		t.Errorf("attempt %d", got.Attempt)
	}
}

// TestAfterAHaltRunsGoOn: nothing is lost by stopping at once, and no recorded step runs again.
func TestAfterAHaltRunsGoOn(t *testing.T) {
	var first atomic.Int32
	var block atomic.Bool
	block.Store(true)
	steps := agent.New("steps", func(ctx agent.Context, in text) (text, error) {
		if _, err := agent.Step(ctx, "first", func(context.Context) (int32, error) { return first.Add(1), nil }); err != nil {
			return text{}, err
		}
		return agent.Step(ctx, "second", func(ctx context.Context) (text, error) {
			if block.Load() {
				<-ctx.Done()
				return text{}, context.Cause(ctx)
			}
			return in, nil
		}, agent.Tries(1))
	})
	cfg := config(t, steps)
	s := start(t, cfg)
	var runs []reeve.RunID
	for i := range 20 {
		var run reeve.Run
		s.do("POST", "/v1/runs", fmt.Sprintf(`{"agent":"steps","input":{"text":"%d"}}`, i), &run)
		runs = append(runs, run.ID)
	}
	for first.Load() < 20 {
		time.Sleep(5 * time.Millisecond)
	}
	for _, id := range runs { // each is in its second step: the first is recorded
		var why wire.Why
		for len(why.Agents) != 1 || why.Agents[0].What != "second" {
			if status := s.do("GET", "/v1/runs/"+string(id)+"/why", "", &why); status != 200 {
				t.Fatalf("why: %d", status)
			}
		}
	}
	s.Halt()
	s.wait()
	block.Store(false)
	next := start(t, cfg)
	for i, id := range runs {
		if got := next.await(id, reeve.StatusCompleted); got.Attempt != 2 || string(got.Result) != fmt.Sprintf(`{"text":"%d"}`, i) {
			t.Errorf("run %s: attempt %d, result %s", id, got.Attempt, got.Result)
		}
	}
	if n := first.Load(); n != 20 {
		t.Errorf("the first steps ran %d times", n)
	}
}

func TestRetention(t *testing.T) {
	cfg := config(t, hello)
	cfg.Retention = 10 * time.Millisecond
	s := start(t, cfg)
	var run reeve.Run
	s.do("POST", "/v1/runs?wait=30s", `{"agent":"hello","input":{"text":"you"}}`, &run)
	end := time.Now().Add(time.Minute)
	for s.do("GET", "/v1/runs/"+string(run.ID), "", nil) != 404 {
		if time.Now().After(end) {
			t.Fatal("the old run was not removed")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestHealthNamesRunsThatNobodyCanTake(t *testing.T) {
	asks := agent.New("asks", func(ctx agent.Context, _ text) (string, error) {
		return agent.Ask(ctx, "name", agent.Question[string]{Text: "who?"})
	})
	cfg := config(t, asks)
	s := start(t, cfg)
	var run reeve.Run
	s.do("POST", "/v1/runs", `{"agent":"asks","input":{"text":""}}`, &run)
	s.stop()
	s.wait()
	cfg.Agents = []agent.Runnable{hello}
	next := start(t, cfg)
	var health wire.Health
	next.do("GET", "/health", "", &health)
	if c := health.Checks["agents"]; c.Reason == "" || c.Info["asks"] != fmt.Sprintf("runs that wait for a node with this agent: 1, the newest %s", run.ID) {
		t.Errorf("agents: %+v", c)
	}
}
