// Hello is a first agent. Try: go run ./examples/hello run hello World
package main

import (
	"context"
	"time"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/cli"
)

type input struct {
	Text string `json:"text"`
}

var hello = agent.New("hello", func(ctx agent.Context, in input) (string, error) {
	// A step runs once. After a crash its result comes from the log.
	greeting, err := agent.Step(ctx, "compose", func(context.Context) (string, error) {
		return "Hello, " + in.Text + "!", nil
	})
	if err != nil {
		return "", err
	}
	// A sleep of a week would survive as many restarts as there are, and hold nothing meanwhile.
	if err := agent.Sleep(ctx, "pause", 100*time.Millisecond); err != nil {
		return "", err
	}
	return greeting, agent.Emit(ctx, greeting)
})

func main() { cli.Main(hello) }
