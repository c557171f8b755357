package cli

import (
	"context"

	"github.com/reeve-run/reeve/agent"
)

// deafAgent ignores the end of its context until it is released.
func deafAgent() (deaf []agent.Runnable, release func()) {
	over := make(chan struct{})
	deaf = []agent.Runnable{agent.New("deaf", func(ctx agent.Context, _ any) (string, error) {
		return agent.Step(ctx, "ignore", func(context.Context) (string, error) {
			<-over
			return "", nil
		})
	})}
	return deaf, func() { close(over) }
}
