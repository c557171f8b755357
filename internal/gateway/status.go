package gateway

import (
	"net/http"

	"github.com/reeve-run/reeve/wire"
)

// Statuses of wire.Health and of the two probes.
const (
	healthy = "healthy"
	alive   = "alive"
	ready   = "ready"
)

// health shows the status alone to those who are not known.
func (g *Gateway) health(c *call) (any, error) {
	ctx, cancel := c.bounded(g)
	defer cancel()
	h := g.Health.Health(ctx)
	status := http.StatusOK
	if h.Status != healthy {
		status = http.StatusServiceUnavailable
	}
	if !c.known {
		h = wire.Health{Status: h.Status}
	}
	return answer{status: status, body: h}, nil
}

func (g *Gateway) live(*call) (any, error) {
	return answer{status: http.StatusOK, body: wire.Health{Status: alive}}, nil
}

// ready tells those who are known why not.
func (g *Gateway) ready(c *call) (any, error) {
	err := g.Health.Ready()
	if err == nil {
		return answer{status: http.StatusOK, body: wire.Health{Status: ready}}, nil
	}
	h := wire.Health{Status: "not ready"}
	if c.known {
		h.Checks = map[string]wire.Check{ready: {Reason: err.Error()}}
	}
	return answer{status: http.StatusServiceUnavailable, body: h}, nil
}

func (g *Gateway) metricsPage(w http.ResponseWriter, r *http.Request, _ *call) {
	g.Metrics.ServeHTTP(w, r)
}
