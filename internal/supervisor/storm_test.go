package supervisor_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/internal/supervisor"
)

const stormRuns, stormSteps = 200, 20

// witness remembers which steps ran, so that the log can be held against it. A node that
// was declared dead may not know it yet and begin a step that its successor has recorded; its fence tells it
// apart, and the log refuses it.
type witness struct {
	mu    sync.Mutex
	ran   map[string]int   // by agent.Key
	done  map[string]int64 // the fence under which an agent has seen the step's result, which is after it was recorded
	again []string         // steps that ran under a fence that came after they were recorded
}

func newWitness() *witness { return &witness{ran: map[string]int{}, done: map[string]int64{}} }

func (w *witness) step(key string, fence int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran[key]++
	if recorded, ok := w.done[key]; ok && recorded <= fence {
		w.again = append(w.again, key)
	}
}

func (w *witness) saw(key string, fence int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[key] = fence
}

// worker takes its steps under a witness, in two parallel branches.
func (w *witness) worker() []agent.Runnable {
	branch := agent.New("branch", func(ctx agent.Context, steps int) (int, error) {
		sum := 0
		for i := range steps {
			var key string
			n, err := agent.StepKey(ctx, "s", strconv.Itoa(i), func(ctx context.Context) (int, error) {
				key = agent.Key(ctx)
				w.step(key, agent.Fence(ctx))
				time.Sleep(5 * time.Millisecond)
				return i, nil
			})
			if err != nil {
				return 0, err
			}
			if key != "" {
				w.saw(key, agent.Fence(ctx))
			}
			sum += n
		}
		return sum, nil
	})
	worker := agent.New("worker", func(ctx agent.Context, _ text) (int, error) {
		sums, err := agent.Parallel(ctx, branch, []int{stormSteps / 2, stormSteps / 2})
		if err != nil {
			return 0, err
		}
		return sums[0] + sums[1], nil
	})
	return []agent.Runnable{worker, branch}
}

func TestTwoHundredRunsAtOnce(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			seen := newWitness()
			n := w.start(supervisor.Config{}, seen.worker()...)
			runs := w.storm(n)
			w.settle(seen, runs)
			for key, times := range seen.ran {
				if times != 1 {
					t.Errorf("step %s ran %d times", key, times)
				}
			}
			n.end()
		})
	}
}

var stores = map[string]func(t *testing.T) journal.Store{
	"memory": func(*testing.T) journal.Store { return memory.New(memory.Shared()) },
	"sqlite": func(t *testing.T) journal.Store {
		t.Helper()
		store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "reeve.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Errorf("close the store: %v", err)
			}
		})
		return store
	},
}

// storm starts the runs from eight clients, and waits only until they are accepted.
func (w *world) storm(n *node) []reeve.RunID {
	w.t.Helper()
	runs := make([]reeve.RunID, stormRuns)
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := c; i < stormRuns; i += 8 {
				runs[i] = w.acceptOn(n, fmt.Sprintf("t%d", i), fmt.Sprintf("o%d", i%5), "worker", `{"text":"x"}`)
			}
		})
	}
	clients.Wait()
	return runs
}

// settle waits until all runs are completed and holds their results and the witness against each other.
func (w *world) settle(seen *witness, runs []reeve.RunID) {
	w.t.Helper()
	for _, run := range runs {
		if r := w.await(run, reeve.StatusCompleted); string(r.Result) != "90" {
			w.t.Errorf("run %s gave %s", run, r.Result)
		}
		steps := map[string]bool{}
		for _, e := range w.entries(run) {
			if e.Kind == reeve.KindStepCompleted && steps[e.Path] {
				w.t.Errorf("run %s: step %s is in the log twice", run, e.Path)
			}
			if e.Kind == reeve.KindStepCompleted {
				steps[e.Path] = true
			}
		}
		if len(steps) != stormSteps {
			w.t.Errorf("run %s has %d steps in its log", run, len(steps))
		}
	}
	if len(seen.again) > 0 {
		w.t.Errorf("%d recorded steps ran again, the first %s", len(seen.again), seen.again[0])
	}
}

// TestNodesDieInTheStorm lets four nodes die while the runs go on, by verdict and by a halt in turn: every run
// completes, and a recorded step never runs again. Five deaths could poison a run, rightly.
func TestNodesDieInTheStorm(t *testing.T) {
	store := memory.New(memory.Shared())
	w := newWorld(t, store)
	seen := newWitness()
	cfg := supervisor.Config{Lease: 300 * time.Millisecond}
	stays := w.start(cfg, seen.worker()...)
	runs := w.storm(stays)
	for range 2 {
		other := w.start(cfg, seen.worker()...)
		store.Kill(stays.Node())
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		other.kill()
	}
	w.settle(seen, runs)
	takeovers := 0
	for _, run := range runs {
		takeovers += w.run(run).Attempt - 1
	}
	if takeovers == 0 {
		t.Error("no run was taken over: the deaths came too late to mean something")
	}
	stays.end()
}
