package gateway

import (
	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

func (g *Gateway) listAgents(c *call) (any, error) {
	ctx, cancel := c.bounded(g)
	defer cancel()
	agents, err := g.Agents.List(ctx)
	return wire.Agents{Agents: append([]wire.Agent{}, agents...)}, err
}

// pauseAgent makes the handler of pause and of resume.
func (g *Gateway) pauseAgent(paused bool) func(*call) (any, error) {
	return func(c *call) (any, error) {
		name := c.r.PathValue("agent")
		if !g.Agents.Has(name) {
			return nil, reeve.Errorf(reeve.CodeAgentUnknown, "no agent %q here: GET /v1/agents lists them", name)
		}
		ctx, cancel := c.bounded(g)
		defer cancel()
		if err := g.Agents.Pause(ctx, name, paused); err != nil {
			return nil, err
		}
		agents, err := g.Agents.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range agents {
			if a.Name == name {
				return a, nil
			}
		}
		return wire.Agent{Name: name, Paused: paused}, nil
	}
}
