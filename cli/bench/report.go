package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Report is what Run measured. Its JSON is an interface that others read.
type Report struct {
	Store      string       `json:"store"` // "sqlite"
	Throughput []Throughput `json:"throughput"`
	Single     Single       `json:"single"`
	Waiting    Waiting      `json:"waiting"`
	WebSocket  WebSocket    `json:"websocket"`
}

// Throughput is many runs at once. Rates are medians over the pairs; the ratio is the median of the
// pairs' own ratios.
type Throughput struct {
	InFlight       int     `json:"in_flight"`
	RunsPerS       float64 `json:"runs_per_s"`
	StepsPerS      float64 `json:"steps_per_s"`
	BareStepsPerS  float64 `json:"bare_steps_per_s"`
	Ratio          float64 `json:"ratio"`
	RunP50MS       float64 `json:"run_p50_ms"`
	RunP99MS       float64 `json:"run_p99_ms"`
	ConnectionsMax int     `json:"connections_max"`
	UnitMaxMS      float64 `json:"unit_max_ms"` // the longest unit of work since the bench began
}

// Single is one run alone.
type Single struct {
	StepP50MS     float64 `json:"step_p50_ms"`
	BareStepP50MS float64 `json:"bare_step_p50_ms"`
	Ratio         float64 `json:"ratio"`
	AcceptP50MS   float64 `json:"accept_p50_ms"` // from the start frame to the first entry at the client
}

// Waiting is runs that each wait inside a step.
type Waiting struct {
	Runs           int     `json:"runs"`
	ConnectionsMax int     `json:"connections_max"`
	UnitMaxMS      float64 `json:"unit_max_ms"`
	BytesPerRun    int64   `json:"bytes_per_run"` // resident memory of the process
}

// WebSocket is sockets that say nothing.
type WebSocket struct {
	Idle      int   `json:"idle"`
	BytesEach int64 `json:"bytes_each"` // resident memory of the server's process
}

// Text prints the report for people.
func (r Report) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "in flight\truns/s\tsteps/s\tbare steps/s\tratio\trun p50\trun p99\tconnections\tlongest unit\t\n")
	for _, t := range r.Throughput {
		fmt.Fprintf(tw, "%d\t%.0f\t%.0f\t%.0f\t%.2f\t%.1f ms\t%.1f ms\t%d\t%.1f ms\t\n", t.InFlight, t.RunsPerS, t.StepsPerS,
			t.BareStepsPerS, t.Ratio, t.RunP50MS, t.RunP99MS, t.ConnectionsMax, t.UnitMaxMS)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\none run alone   step p50 %.2f ms, bare %.2f ms, ratio %.2f; start to first entry p50 %.2f ms\n",
		r.Single.StepP50MS, r.Single.BareStepP50MS, r.Single.Ratio, r.Single.AcceptP50MS)
	fmt.Fprintf(w, "waiting runs    %d at %.1f KB each, %d connections, longest unit %.1f ms\n",
		r.Waiting.Runs, float64(r.Waiting.BytesPerRun)/1000, r.Waiting.ConnectionsMax, r.Waiting.UnitMaxMS)
	_, err := fmt.Fprintf(w, "idle sockets    %d at %.1f KB each\n", r.WebSocket.Idle, float64(r.WebSocket.BytesEach)/1000)
	return err
}
