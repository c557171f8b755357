package memory

import (
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// TestTimeNeverRunsBackwards: the machine's clock may be set back, the log's must not follow.
func TestTimeNeverRunsBackwards(t *testing.T) {
	th := &thread{Thread: reeve.Thread{ID: "t", FirstSeq: 1}, firstRun: 1}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct{ clock, want time.Time }{
		{noon, noon},
		{noon.Add(-time.Hour), noon},
		{noon.Add(time.Second), noon.Add(time.Second)},
		{noon, noon.Add(time.Second)},
	} {
		if e := th.write(step.clock, journal.Draft{Kind: reeve.KindStepCompleted}); !e.At.Equal(step.want) {
			t.Errorf("clock %v: entry %d is of %v, want %v", step.clock, e.Seq, e.At, step.want)
		}
	}
}
