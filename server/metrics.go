package server

import (
	"maps"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session"
)

// register shows everything that counts on the server's own registry.
func register(r prometheus.Registerer, s *Server) {
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		s.runs, units{},
	)
	for _, c := range journalCounters(s.journal.Stats()) {
		r.MustRegister(c)
	}
}

func journalCounters(st *journal.Stats) []prometheus.Collector {
	counter := func(name, help string, n *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(n.Load()) })
	}
	return []prometheus.Collector{
		counter("reeve_journal_commits_total", "Batches written to the store.", &st.Commits),
		counter("reeve_journal_ops_total", "Operations in those batches.", &st.Ops),
		counter("reeve_journal_entries_total", "Entries in those batches.", &st.Rows),
		counter("reeve_journal_refused_total", "Operations that the store refused.", &st.Refused),
		counter("reeve_journal_troubles_total", "Commits that did not go through and were tried again.", &st.Troubles),
		counter("reeve_journal_waits_total", "Writers that waited because a lane was full.", &st.Waits),
	}
}

// units collects what the guard counts of database sessions, by pool.
type units struct{}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"pool"}, labels...), nil)
}

var (
	unitsOpen    = desc("reeve_units_open", "Database units that are open.")
	unitsOpened  = desc("reeve_units_opened_total", "Database units opened.")
	unitsLongest = desc("reeve_unit_longest_seconds", "The longest that a database unit was held, of those that ended.")
	unitsOldest  = desc("reeve_unit_oldest_open_seconds", "How long the oldest open database unit has been held.")
	unitsHeld    = desc("reeve_unit_held_seconds", "How long database units were held.")
	unitsRefused = desc("reeve_unit_refused_total", "Uses of database units that the guard refused, by rule.", "rule")
)

// Describe makes units a prometheus.Collector.
func (units) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{unitsOpen, unitsOpened, unitsLongest, unitsOldest, unitsHeld, unitsRefused} {
		ch <- d
	}
}

// Collect makes units a prometheus.Collector.
func (units) Collect(ch chan<- prometheus.Metric) {
	for pool, c := range maps.All(session.PoolStats()) {
		number := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, t, v, append([]string{pool}, labels...)...)
		}
		number(unitsOpen, prometheus.GaugeValue, float64(c.Open))
		number(unitsOpened, prometheus.CounterValue, float64(c.Opened))
		number(unitsLongest, prometheus.GaugeValue, c.Longest.Seconds())
		number(unitsOldest, prometheus.GaugeValue, c.LongestNow.Seconds())
		ch <- prometheus.MustNewConstHistogram(unitsHeld, c.Holds.Count(), c.Holds.Sum.Seconds(), cumulative(&c.Holds), pool)
		for rule, n := range c.Refused {
			number(unitsRefused, prometheus.CounterValue, float64(n), string(rule))
		}
	}
}

// cumulative is the histogram as Prometheus counts: each bucket with all below it.
func cumulative(h *session.Histogram) map[float64]uint64 {
	buckets := make(map[float64]uint64, len(session.Bounds))
	var sum uint64
	for i, bound := range session.Bounds {
		sum += h.Counts[i]
		buckets[bound] = sum
	}
	return buckets
}
