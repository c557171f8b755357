package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve/agent"
)

// payload is what each step returns, and what each row of the bare holds.
const payload = "0123456789abcdef0123456789abcdef"

// plan is the input of the agents that are measured.
type plan struct {
	Steps int `json:"steps"`
}

// stepsDone counts the steps of stepper's runs that are durable.
var stepsDone atomic.Int64

// stepper takes its steps one after the other.
var stepper = agent.New("bench-steps", func(ctx agent.Context, in plan) (string, error) {
	for range in.Steps {
		if _, err := agent.Step(ctx, "step", func(context.Context) (string, error) { return payload, nil }); err != nil {
			return "", err
		}
		stepsDone.Add(1)
	}
	return payload, nil
})

// timed takes its steps and returns how long each took, in nanoseconds, as the agent saw it.
var timed = agent.New("bench-timed", func(ctx agent.Context, in plan) ([]time.Duration, error) {
	took := make([]time.Duration, 0, in.Steps)
	for range in.Steps {
		//reeve:allow agentbody a measurement is never replayed: a run that was taken over would only be wrong
		began := time.Now()
		if _, err := agent.Step(ctx, "step", func(context.Context) (string, error) { return payload, nil }); err != nil {
			return nil, err
		}
		//reeve:allow agentbody likewise
		took = append(took, time.Since(began))
	}
	return took, nil
})

// waiter waits inside its step for as long as the bench wants.
var waiter = agent.New("bench-wait", func(ctx agent.Context, _ plan) (string, error) {
	return agent.Step(ctx, "step", func(ctx context.Context) (string, error) {
		waitingNow.Add(1)
		defer waitingNow.Add(-1)
		<-ctx.Done()
		return "", context.Cause(ctx)
	}, agent.Tries(1), agent.StallAfter(time.Hour))
})
