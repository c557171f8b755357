// Package bodies has agents that do outside work in their bodies.
package bodies

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/reeve-run/reeve/agent"
)

var wrong = agent.New("wrong", func(ctx agent.Context, in int) (int, error) {
	start := time.Now() // want agentbody warning
	n := rand.IntN(in)  // want agentbody warning
	go func() {}()      // want agentbody warning
	deeper(ctx)
	_ = start
	return n, nil
})

func deeper(ctx agent.Context) {
	time.Sleep(time.Second) // want agentbody warning
}

var right = agent.New("right", func(ctx agent.Context, in int) (time.Time, error) {
	return agent.Step(ctx, "now", func(context.Context) (time.Time, error) {
		return time.Now(), nil
	})
})
