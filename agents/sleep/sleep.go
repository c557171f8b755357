package sleep

import (
	"context"
	"errors"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// The limits of Input.
const (
	MaxSteps = 100_000
	MaxMS    = 3_600_000
)

// silence is how long a step may be over its time before it counts as stalled.
const silence = 30 * time.Second

// Input says how many steps to take, 0 to MaxSteps, of how many milliseconds each, 0 to
// MaxMS; the step FailAt, from 1, fails, and 0 lets all succeed.
type Input struct {
	Steps  int `json:"steps"`
	MS     int `json:"ms"`
	FailAt int `json:"fail_at,omitempty"`
}

// Output says how many steps were taken.
type Output struct {
	Steps int `json:"steps"`
}

// New makes the agent.
func New() *agent.Agent[Input, Output] { return agent.New("sleep", sleep) }

func sleep(ctx agent.Context, in Input) (Output, error) {
	if err := in.check(); err != nil {
		return Output{}, err
	}
	d := time.Duration(in.MS) * time.Millisecond
	for n := 1; n <= in.Steps; n++ {
		_, err := agent.Step(ctx, "step", func(ctx context.Context) (int, error) {
			return n, wait(ctx, d, n == in.FailAt)
		}, agent.StallAfter(d+silence))
		if err != nil {
			return Output{}, err
		}
	}
	return Output{Steps: in.Steps}, nil
}

func (in Input) check() error {
	switch {
	case in.Steps < 0 || in.Steps > MaxSteps:
		return reeve.Errorf(reeve.CodeInvalid, "steps is %d: want 0 to %d", in.Steps, MaxSteps)
	case in.MS < 0 || in.MS > MaxMS:
		return reeve.Errorf(reeve.CodeInvalid, "ms is %d: want 0 to %d", in.MS, MaxMS)
	case in.FailAt < 0 || in.FailAt > in.Steps:
		return reeve.Errorf(reeve.CodeInvalid, "fail_at is %d: want 0 to steps, which is %d", in.FailAt, in.Steps)
	}
	return nil
}

// wait is a step's work: to let d pass, and then to fail if it is told to.
func wait(ctx context.Context, d time.Duration, fail bool) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	}
	if fail {
		return agent.Permanent(errors.New("this step was told to fail"))
	}
	return nil
}
