package regress

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/bus"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/internal/supervisor"
	"github.com/reeve-run/reeve/session"
)

// Session lifecycle: the handler's session ends with the handler, and a long run holds none between
// its steps.

const (
	longSteps = 12
	longStep  = 5 * time.Second
)

// TestALongRunHoldsNoSession looks at a run of a minute, ten times a second, on a SQLite file and in virtual
// time: at every look all goroutines are at rest, and no unit is open.
func TestALongRunHoldsNoSession(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reeve.db")
	synctest.Test(t, func(t *testing.T) {
		long := agent.New("long", func(ctx agent.Context, n int) (int, error) {
			for range n {
				if _, err := agent.Step(ctx, "think", func(context.Context) (int, error) { time.Sleep(longStep); return 1, nil }); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
		n := startNode(t, file, long)
		defer n.stop()
		opened := session.Stats().Opened
		began := time.Now()
		run := n.accept(t, "long", longSteps)
		looks := 0
		for !n.run(t, run).Status.Ended() {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if units := session.Units(); len(units) > 0 {
				t.Fatalf("%s into the run %d units are open: %+v", time.Since(began), len(units), units)
			}
			looks++
		}
		if got := n.run(t, run); got.Status != reeve.StatusCompleted {
			t.Fatalf("run is %s with %+v", got.Status, got.Error)
		}
		if took := time.Since(began); took < longSteps*longStep || looks < 500 {
			t.Fatalf("%d looks in a run of %s", looks, took)
		}
		if session.Stats().Opened-opened < longSteps {
			t.Fatal("the run's steps were written without units: this test looks at nothing")
		}
	})
}

// node is a supervisor over a SQLite file, without a socket: sockets do not work in virtual time.
type node struct {
	store   *sqlite.Store
	runs    *supervisor.Supervisor
	endRuns context.CancelFunc
	endLog  context.CancelFunc
	work    sync.WaitGroup
}

func startNode(t *testing.T, file string, agents ...agent.Runnable) *node {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	hints := bus.New()
	j := journal.New(store, journal.Config{Publisher: hints})
	runs, err := supervisor.New(supervisor.Config{Journal: j, Agents: agents, Hints: hints})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{store: store, runs: runs}
	var runsCtx, logCtx context.Context
	runsCtx, n.endRuns = context.WithCancel(context.Background())
	logCtx, n.endLog = context.WithCancel(context.Background())
	n.work.Go(func() { _ = j.Run(logCtx) }) // its error is the end of logCtx
	n.work.Go(func() {
		if err := runs.Run(runsCtx); err != nil {
			t.Error(err)
		}
		n.endLog()
	})
	<-runs.Joined()
	return n
}

func (n *node) stop() {
	n.endRuns()
	n.work.Wait()
	_ = n.store.Close()
}

func (n *node) accept(t *testing.T, name string, input any) reeve.RunID {
	t.Helper()
	res, err := n.runs.Accept(t.Context(), &journal.Accept{
		Thread: "t", Create: true, Agent: name, Input: json.RawMessage(encode(t, input)), OnBusy: reeve.Enqueue,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Run.ID
}

func (n *node) run(t *testing.T, id reeve.RunID) reeve.Run {
	t.Helper()
	run, err := n.store.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestTheHandlersSessionEndsWithTheHandler: once a run is accepted over a socket, nothing of the handler is
// open while the run goes on, nor after the socket is gone.
func TestTheHandlersSessionEndsWithTheHandler(t *testing.T) {
	release := make(chan struct{})
	gated := agent.New("gated", func(ctx agent.Context, _ any) (int, error) {
		return agent.Step(ctx, "wait", func(ctx context.Context) (int, error) {
			select {
			case <-release:
				return 1, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		})
	})
	h := open(t, gated)
	s := dial(t, h.url)
	run := s.start("gated", nil).Run
	for s.next().Kind != reeve.KindRunStarted {
	}
	quiet(t)
	s.drop()
	quiet(t)
	close(release)
	h.completes(run)
}

// quiet looks for a while: the server's own beats open units too, but none that lasts.
func quiet(t *testing.T) {
	t.Helper()
	eventually(t, "no unit is open", func() bool { return len(session.Units()) == 0 })
	for range 100 {
		for _, u := range session.Units() {
			opened := func(o session.Unit) bool { return o.Opened == u.Opened && o.Since.Equal(u.Since) }
			eventually(t, "the unit opened at "+u.Opened.String()+" ends", func() bool { return !slices.ContainsFunc(session.Units(), opened) })
		}
		time.Sleep(2 * time.Millisecond)
	}
}
