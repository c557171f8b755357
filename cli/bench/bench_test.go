package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// asClients makes this program the process that holds the clients of idle sockets.
const asClients = "clients"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == asClients {
		if err := Clients(context.Background(), os.Args[2], os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// A small bench measures everything there is, through the real thing.
func TestSmallBench(t *testing.T) {
	b := Default(t.TempDir())
	b.InFlight, b.Runs, b.Waiting, b.Sockets = []int{4, 20}, 40, 50, 20
	b.Client = []string{os.Args[0], asClients}
	var said []string
	b.Progress = func(what string) { said = append(said, what) }
	r, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkShape(t, r)
	if len(r.Throughput) != 2 || r.Throughput[1].InFlight != 20 {
		t.Fatalf("throughput: %+v", r.Throughput)
	}
	for _, th := range r.Throughput {
		if th.Ratio <= 0 || th.RunsPerS <= 0 || th.BareStepsPerS <= 0 || th.RunP99MS < th.RunP50MS || th.ConnectionsMax < 1 || th.ConnectionsMax > 10 {
			t.Errorf("unlikely: %+v", th)
		}
	}
	if s := r.Single; s.StepP50MS <= 0 || s.BareStepP50MS <= 0 || s.Ratio <= 0 || s.AcceptP50MS <= 0 {
		t.Errorf("unlikely: %+v", s)
	}
	if r.Waiting.Runs != 50 || r.WebSocket.Idle != 20 {
		t.Errorf("unlikely: %+v %+v", r.Waiting, r.WebSocket)
	}
	var out bytes.Buffer
	if err := r.Text(&out); err != nil || !strings.Contains(out.String(), "one run alone") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if len(said) == 0 {
		t.Error("nobody was told what is measured")
	}
	if left, err := os.ReadDir(b.Dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// checkShape holds the names that others read.
func checkShape(t *testing.T, r Report) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Store      string
		Throughput []map[string]float64
		Single     map[string]float64
		Waiting    map[string]float64
		WebSocket  map[string]float64
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	names := func(m map[string]float64) string { return strings.Join(slices.Sorted(maps.Keys(m)), " ") }
	want := []string{
		"bare_steps_per_s connections_max in_flight ratio run_p50_ms run_p99_ms runs_per_s steps_per_s unit_max_ms",
		"accept_p50_ms bare_step_p50_ms ratio step_p50_ms",
		"bytes_per_run connections_max runs unit_max_ms",
		"bytes_each idle",
	}
	if diff := cmp.Diff(want, []string{names(got.Throughput[0]), names(got.Single), names(got.Waiting), names(got.WebSocket)}); diff != "" {
		t.Error(diff)
	}
}

func TestBenchEndsWithItsContext(t *testing.T) {
	b := Default(t.TempDir())
	b.Client = []string{os.Args[0], asClients}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("enough")
	b.Progress = func(string) { cancel(stopped) }
	if _, err := b.Run(ctx); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v, want the context's cause", err)
	}
}

func TestClientsThatCannotConnect(t *testing.T) {
	err := Clients(t.Context(), "127.0.0.1:1", "3", strings.NewReader(""), new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "open a WebSocket") {
		t.Error(err)
	}
	if err := Clients(t.Context(), "127.0.0.1:1", "many", strings.NewReader(""), new(bytes.Buffer)); err == nil {
		t.Error("a number that is none was taken")
	}
}
