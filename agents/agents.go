package agents

import (
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agents/echo"
	"github.com/reeve-run/reeve/agents/review"
	"github.com/reeve-run/reeve/agents/sleep"
)

// All gives every agent that ships. Roots are the folders that review may read;
// without any, the working directory.
func All(roots ...string) []agent.Runnable {
	return append([]agent.Runnable{echo.New(), sleep.New()}, review.New(roots...)...)
}
