package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/cli"
)

type work struct {
	Dir   string `json:"dir"`
	Steps int    `json:"steps"`
	MS    int    `json:"ms"`
}

var steps = agent.New("steps", func(ctx agent.Context, w work) (int, error) {
	for range w.Steps {
		_, err := agent.Step(ctx, "step", func(ctx context.Context) (int, error) { return 1, w.do(ctx) }, agent.Tries(1))
		if err != nil {
			return 0, err
		}
	}
	return w.Steps, nil
})

// do works, and leaves a line that says so.
func (w work) do(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(w.MS) * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	name := strings.ReplaceAll(agent.Key(ctx), "/", "_")
	f, err := os.OpenFile(filepath.Join(w.Dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, agent.Fence(ctx)); err != nil {
		return err
	}
	return f.Close()
}

func main() { cli.Main(steps) }
