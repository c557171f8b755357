package agenttest_test

import (
	"testing"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agenttest"
)

// What stands here goes into a test of the agent's author.
func Example() { //nolint:testableexamples // it needs a test's t
	confirm := agent.New("confirm", func(ctx agent.Context, item string) (bool, error) {
		return agent.Ask(ctx, "sure", agent.Question[bool]{Text: "Delete " + item + "?"})
	})

	var t *testing.T // the test's own

	res := agenttest.Run(t, confirm, "the archive", agenttest.Answer("sure", true))
	if res.Err != nil || !res.Output {
		t.Fatalf("%v\n%s", res.Err, res.Log())
	}
	agenttest.EveryCrash(t, confirm, "the archive", agenttest.Answer("sure", true))
}
