package gateway

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the gateway's counts. Labels are bounded: a route is its pattern, never a path.
type metrics struct {
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	sockets     prometheus.Gauge
	streams     prometheus.Gauge
	follows     prometheus.Gauge
	slow        *prometheus.CounterVec
	resets      *prometheus.CounterVec
	frames      prometheus.Counter
	missedLooks prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reeve_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "reeve_http_request_seconds", Help: "Time to answer, streams and waiting requests left out.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 10),
		}, []string{"route"}),
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reeve_websockets", Help: "WebSockets that are open.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reeve_sse_streams", Help: "SSE streams that are open.",
		}),
		follows: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reeve_follows", Help: "Threads and runs that are followed, over all clients.",
		}),
		slow: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reeve_slow_readers_total", Help: "Clients closed because they did not read.",
		}, []string{"by"}),
		resets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reeve_position_resets_total", Help: "Positions that could not be served.",
		}, []string{"reason"}),
		frames: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reeve_websocket_frames_total", Help: "Frames received from clients.",
		}),
		missedLooks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reeve_head_looks_missed_total", Help: "Looks at the heads of followed threads that the store did not answer.",
		}),
	}
	if r != nil {
		r.MustRegister(m.requests, m.seconds, m.sockets, m.streams, m.follows, m.slow, m.resets, m.frames, m.missedLooks)
	}
	return m
}

func (m *metrics) answered(route string, status int) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}
