package supervisor

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
)

// metrics is what /metrics shows of a supervisor. Labels are bounded: agents' names and
// ends, never runs.
type metrics struct {
	claims    prometheus.Counter
	takeovers prometheus.Counter
	ends      *prometheus.CounterVec
	stalls    *prometheus.CounterVec
	ignoring  prometheus.Counter
	termsLost prometheus.Counter
	inFlight  prometheus.GaugeFunc
	beatAge   prometheus.GaugeFunc
}

func newMetrics(s *Supervisor) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string, fn func() float64) prometheus.GaugeFunc {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, fn)
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &metrics{
		claims:    counter("reeve_claims_total", "Threads that this node took into its hands."),
		takeovers: counter("reeve_takeovers_total", "Claims of runs whose node had died."),
		ends:      vec("reeve_executions_ended_total", "Executions that ended, by how.", "agent", "end"),
		stalls:    vec("reeve_stalls_total", "Steps without a sign of life beyond their bound.", "agent"),
		ignoring:  counter("reeve_agents_ignoring_context_total", "Agents that had not returned long after their context ended."),
		termsLost: counter("reeve_terms_lost_total", "Times that the node lost its threads and joined again."),
		inFlight:  gauge("reeve_runs_in_flight", "Runs in the hands of this node.", func() float64 { return float64(s.InFlight()) }),
		beatAge:   gauge("reeve_beat_age_seconds", "Time since the last beat of the node that went through.", func() float64 { return s.lease.age().Seconds() }),
	}
}

func (m *metrics) claimed(c *journal.Claimed) {
	m.claims.Inc()
	if c.Strikes > 0 {
		m.takeovers.Inc()
	}
}

func (m *metrics) ended(agent string, end engine.End) {
	m.ends.WithLabelValues(agent, string(end)).Inc()
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.claims, m.takeovers, m.ends, m.stalls, m.ignoring, m.termsLost, m.inFlight, m.beatAge}
}

// Describe makes a Supervisor a prometheus.Collector.
func (s *Supervisor) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range s.metrics.all() {
		c.Describe(ch)
	}
}

// Collect makes a Supervisor a prometheus.Collector.
func (s *Supervisor) Collect(ch chan<- prometheus.Metric) {
	for _, c := range s.metrics.all() {
		c.Collect(ch)
	}
}
