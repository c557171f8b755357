// Package refused is what must not compile. Each line that the compiler refuses says so, with a
// part of the compiler's words.
package refused

import (
	"context"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/cli"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

var (
	crew = agent.New("crew", func(agent.Context, string) (string, error) { return "", nil })
	pool session.Pool[*sessionsql.Tx]
)

// The handler of the origin: it lends its session to the supervisor.
func handler(ctx context.Context) error {
	return pool.Do(ctx, func(ctx context.Context, tx *sessionsql.Tx) error {
		crew.session = tx                     // want "crew.session undefined"
		crew.Session = tx                     // want "crew.Session undefined"
		_, err := agent.Call(ctx, crew, "hi") // want "does not implement agent.Context"
		return err
	})
}

// A unit's function has no Context: it cannot go on to anything that waits.
var inTx = agent.New("in tx", func(ctx agent.Context, _ string) (string, error) {
	return agent.Tx(ctx, "write", pool, func(ctx context.Context, tx *sessionsql.Tx) (string, error) {
		if _, err := agent.Ask(ctx, "sure", agent.Question[bool]{}); err != nil { // want "does not implement agent.Context"
			return "", err
		}
		if err := agent.Sleep(ctx, "wait", 1); err != nil { // want "does not implement agent.Context"
			return "", err
		}
		return agent.Call(ctx, crew, "hi") // want "does not implement agent.Context"
	})
})

// Nor has the function of a step.
var inStep = agent.New("in step", func(ctx agent.Context, _ string) (string, error) {
	return agent.Step(ctx, "outer", func(ctx context.Context) (string, error) {
		return agent.Step(ctx, "inner", func(context.Context) (string, error) { return "", nil }) // want "does not implement agent.Context"
	})
})

// A Context cannot be made, so that no handler can call itself an agent.
type forged struct{ context.Context }

var _ agent.Context = forged{} // want "does not implement agent.Context"

// An agent of one's own making, with a session in it, is no agent.
type supervisor struct{ session *sessionsql.Tx }

func (s *supervisor) Name() string                                     { return "supervisor" }
func (s *supervisor) Version() string                                  { return "" }
func (s *supervisor) run(ctx agent.Context, in []byte) ([]byte, error) { return in, nil }

func serve(tx *sessionsql.Tx) { cli.Main(&supervisor{session: tx}) } // want "does not implement agent.Runnable"

// A session cannot be put together from its parts.
var made = sessionsql.Tx{hold: nil} // want "unknown field hold|cannot refer to unexported field hold"
