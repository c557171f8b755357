// Package allowed is what must compile, so that what does not is refused for its own sake.
package allowed

import (
	"context"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// Crew has the pool, and calls another agent between its units.
func Crew(pool session.Pool[*sessionsql.Tx], other *agent.Agent[string, string]) *agent.Agent[string, string] {
	return agent.New("crew", func(ctx agent.Context, in string) (string, error) {
		out, err := agent.Call(ctx, other, in)
		if err != nil {
			return "", err
		}
		return agent.Tx(ctx, "write", pool, func(ctx context.Context, tx *sessionsql.Tx) (string, error) {
			_, err := tx.ExecContext(ctx, "INSERT INTO notes VALUES (?)", out)
			return out, err
		})
	})
}
