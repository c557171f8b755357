package regress

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/reeve-run/reeve"
)

// The server is killed (kill -9) with its runs half done. Every run completes, no step that was in the
// log is done again, and a client that comes back misses nothing.

const (
	crashRuns  = 200
	crashSteps = 20
)

// crew is many runs on a worker, each with a follower.
type crew struct {
	w         *worker
	dir       string // where the steps leave their lines
	steps     int
	followers []*follower
	following errgroup.Group
	stop      context.CancelFunc
}

// send starts the runs and their followers.
func send(t *testing.T, w *worker, runs, steps, ms int) *crew {
	t.Helper()
	c := &crew{w: w, dir: t.TempDir(), steps: steps}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	t.Cleanup(func() { stop(); _ = c.following.Wait() })
	var mu sync.Mutex
	var starting errgroup.Group
	starting.SetLimit(8)
	h := w.house()
	for range runs {
		starting.Go(func() error {
			run, err := h.tryBegin("steps", map[string]any{"dir": c.dir, "steps": steps, "ms": ms})
			if err != nil {
				return err
			}
			f := &follower{t: t, url: w.url(), run: run}
			mu.Lock()
			c.followers = append(c.followers, f)
			mu.Unlock()
			c.following.Go(func() error { return f.follow(ctx) })
			return nil
		})
	}
	if err := starting.Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

// done counts the lines of all steps.
func (c *crew) done() int {
	files, err := os.ReadDir(c.dir)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return len(files)
}

// finish waits for all followers, and then looks at every step.
func (c *crew) finish(bound time.Duration) {
	t := c.w.t
	t.Helper()
	timer := time.AfterFunc(bound, c.stop)
	defer timer.Stop()
	if err := c.following.Wait(); err != nil {
		t.Fatalf("a run hangs, or its follower was told wrong: %v", err)
	}
	h := c.w.house()
	for _, f := range c.followers {
		c.look(h, f)
	}
}

// look compares what the follower has with the log, and the log with what the steps did.
func (c *crew) look(h *house, f *follower) {
	t := c.w.t
	t.Helper()
	log := h.log(f.run)
	if diff := gocmp.Diff(log, f.entries); diff != "" {
		t.Errorf("run %s: the log, and what its follower saw: %s", f.run, diff)
	}
	if last := log[len(log)-1]; last.Kind != reeve.KindRunCompleted {
		t.Errorf("run %s ends with %s %s", f.run, last.Kind, last.Data)
	}
	for i, attempt := range f.attempts {
		if attempt != i+1 {
			t.Errorf("run %s: attempts %v", f.run, f.attempts)
			break
		}
	}
	recorded := map[string]reeve.Entry{}
	for _, e := range log {
		if e.Kind != reeve.KindStepCompleted {
			continue
		}
		if before, twice := recorded[e.Path]; twice {
			t.Errorf("run %s: %s stands in the log twice, at %d and %d", f.run, e.Path, before.Seq, e.Seq)
		}
		recorded[e.Path] = e
	}
	if len(recorded) != c.steps {
		t.Errorf("run %s has %d steps, want %d", f.run, len(recorded), c.steps)
	}
	for path, e := range recorded {
		c.checkLines(f.run, path, e)
	}
}

// checkLines holds the effects of a step against the log: it may have been done in an attempt that died
// before the log had it, but once the log had it, never again. A thread with one run is claimed once an
// attempt, so that the fence of a line is the attempt that wrote it.
func (c *crew) checkLines(run reeve.RunID, path string, e reeve.Entry) {
	t := c.w.t
	t.Helper()
	fences := c.lines(string(run) + "_" + path)
	if len(fences) == 0 || fences[len(fences)-1] != e.Attempt {
		t.Errorf("run %s: %s was recorded by attempt %d, but done by %v", run, path, e.Attempt, fences)
	}
	for i := 1; i < len(fences); i++ {
		if fences[i] <= fences[i-1] {
			t.Errorf("run %s: %s was done twice by one attempt: %v", run, path, fences)
		}
	}
}

func (c *crew) lines(name string) (fences []int) {
	f, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		c.w.t.Error(err)
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		n, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			c.w.t.Errorf("%s: %v", name, err)
		}
		fences = append(fences, n)
	}
	return fences
}

// again says whether some follower has seen a second attempt.
func (c *crew) again() bool {
	for _, f := range c.followers {
		if len(f.attempts) > 1 {
			return true
		}
	}
	return false
}

// TestKillHalfWay kills the server while 200 runs of 20 steps are half done.
func TestKillHalfWay(t *testing.T) {
	w := newWorker(t)
	w.start()
	c := send(t, w, crashRuns, crashSteps, 50)
	eventually(t, "half of the steps are done", func() bool { return c.done() >= crashRuns*crashSteps/2 })
	w.kill()
	w.start()
	c.finish(2 * hang)
	if !c.again() {
		t.Error("no follower saw a new attempt")
	}
}

// TestKillsAtRandomMoments goes on killing while runs go on, for as long as REEVE_SOAK says.
func TestKillsAtRandomMoments(t *testing.T) {
	soak, err := time.ParseDuration(cmp.Or(os.Getenv("REEVE_SOAK"), "4s"))
	if err != nil {
		t.Fatalf("REEVE_SOAK: %v: want a duration such as 1m", err)
	}
	const runs, ms = 50, 100
	w := newWorker(t)
	w.start()
	// The steps alone take as long as the kills go on, so that there is always something to kill.
	c := send(t, w, runs, int(soak/time.Millisecond)/ms, ms)
	kills := 0
	for end := time.Now().Add(soak); time.Now().Before(end); kills++ {
		if kills%3 == 2 {
			// Five deaths in a row without a step between them would rightly be taken for the runs' fault.
			before := c.done()
			eventually(t, "every run goes on", func() bool { return c.done() >= before+2*runs })
		}
		time.Sleep(rand.N(time.Second))
		w.kill()
		w.start()
	}
	c.finish(2*hang + soak)
	t.Logf("%d kills in %s", kills, soak)
	if !c.again() {
		t.Error("no follower saw a new attempt")
	}
}

// tryBegin is begin for other goroutines than the test's.
func (h *house) tryBegin(name string, input any) (reeve.RunID, error) {
	var run reeve.Run
	status, err := h.try("POST", "/v1/runs", map[string]any{"agent": name, "input": input}, &run)
	if err == nil && status != 201 {
		err = fmt.Errorf("start %s: status %d", name, status)
	}
	return run.ID, err
}
