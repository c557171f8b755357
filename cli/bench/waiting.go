package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session"
)

// starters is how many runs are being started at once.
const starters = 256

// settled is how long everything is left alone before memory is read.
const settled = 2 * time.Second

// waitingNow counts the runs that are inside their waiting step.
var waitingNow atomic.Int64

// waiting measures runs that each wait inside a step.
func (b *Bench) waiting(ctx context.Context) (w Waiting, err error) {
	dir := filepath.Join(b.Dir, "waiting")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return w, err
	}
	defer func() { err = first(err, os.RemoveAll(dir)) }()
	r, err := openRig(ctx, dir, b.Pool)
	if err != nil {
		return w, err
	}
	defer func() { err = first(err, r.close()) }()
	if _, err := r.once(ctx, stepper.Name(), plan{Steps: 1}); err != nil { // what is made once is not the runs'
		return w, err
	}
	before, err := resident()
	if err != nil {
		return w, err
	}
	connections := watchConnections(r)
	defer connections.close()
	b.sayf("%d runs that wait", b.Waiting)
	if err := r.startWaiting(ctx, b.Waiting); err != nil {
		return w, err
	}
	after, err := resident()
	if err != nil {
		return w, err
	}
	return Waiting{
		Runs: b.Waiting, ConnectionsMax: connections.max(), UnitMaxMS: ms(session.Stats().Longest),
		BytesPerRun: (after - before) / int64(max(1, b.Waiting)),
	}, nil
}

// startWaiting starts runs, each on a thread of its own, and returns when all are inside their step.
func (r *rig) startWaiting(ctx context.Context, runs int) error {
	input, err := json.Marshal(plan{Steps: 1})
	if err != nil {
		return err
	}
	g, starting := errgroup.WithContext(ctx)
	g.SetLimit(starters)
	for range runs {
		g.Go(func() error {
			_, err := r.sup.Accept(starting, &journal.Accept{
				Thread: reeve.ThreadID(uuid.Must(uuid.NewV7()).String()), Create: true, Owner: "local",
				Agent: waiter.Name(), Input: input, OnBusy: reeve.Enqueue,
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for waitingNow.Load() < int64(runs) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d runs wait: %w", waitingNow.Load(), runs, context.Cause(ctx))
		}
	}
	return nil
}

// resident is the memory of this process that is in RAM, in bytes, after a collection.
func resident() (int64, error) {
	time.Sleep(settled)
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("memory is measured on Linux only: %w", err)
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/self/statm is %q", text)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}
