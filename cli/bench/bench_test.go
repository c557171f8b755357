package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A small bench measures everything there is, through the real thing.
func TestSmallBench(t *testing.T) {
	b := Default(t.TempDir())
	b.InFlight, b.Runs, b.Waiting, b.Sockets = []int{4, 20}, 40, 50, 20
	ctx := t.Context()
	r, err := b.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(r)
	t.Logf("%s", text)
	if len(r.Throughput) != 2 || r.Throughput[1].InFlight != 20 {
		t.Fatalf("throughput: %+v", r.Throughput)
	}
	for _, th := range r.Throughput {
		if th.Ratio <= 0 || th.RunsPerS <= 0 || th.BareStepsPerS <= th.StepsPerS/100 || th.RunP99MS < th.RunP50MS || th.ConnectionsMax > 10 {
			t.Errorf("unlikely: %+v", th)
		}
	}
	if r.Single.StepP50MS <= 0 || r.Single.BareStepP50MS <= 0 || r.Waiting.Runs != 50 {
		t.Errorf("unlikely: %+v %+v", r.Single, r.Waiting)
	}
	var out bytes.Buffer
	if err := r.Text(&out); err != nil || !strings.Contains(out.String(), "one run alone") {
		t.Errorf("%v\n%s", err, out.String())
	}
	_ = time.Second
}
