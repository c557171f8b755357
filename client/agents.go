package client

import (
	"context"
	"net/http"

	"github.com/reeve-run/reeve/wire"
)

// Agents lists what the server can run.
func (c *Client) Agents(ctx context.Context) ([]wire.Agent, error) {
	var page wire.Agents
	err := c.do(ctx, request{method: http.MethodGet, path: []string{"v1", "agents"}}, &page)
	return page.Agents, err
}

// Pause has no more runs of the agent taken up; those that run go on. It is for operators.
func (c *Client) Pause(ctx context.Context, agent string) (wire.Agent, error) {
	return c.pause(ctx, agent, "pause")
}

// Resume ends a Pause.
func (c *Client) Resume(ctx context.Context, agent string) (wire.Agent, error) {
	return c.pause(ctx, agent, "resume")
}

func (c *Client) pause(ctx context.Context, agent, what string) (wire.Agent, error) {
	r := request{method: http.MethodPost, path: []string{"v1", "agents", agent, what}, body: wire.Nothing{}}
	return fetch[wire.Agent](ctx, c, r)
}

// Health says how the server is. An unhealthy server is no error: its Status says so.
func (c *Client) Health(ctx context.Context) (wire.Health, error) {
	r := request{method: http.MethodGet, path: []string{"health"}, also: http.StatusServiceUnavailable}
	return fetch[wire.Health](ctx, c, r)
}
