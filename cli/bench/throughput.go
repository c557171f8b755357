package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve/session"
)

// pairs is how many times reeve and the bare are measured, in turn.
const pairs = 5

// edges is how many commits a run makes beside those of its steps: one that accepts it, one that ends it.
const edges = 2

// throughput measures so many runs in flight, reeve and bare in turn.
func (b *Bench) throughput(ctx context.Context, inFlight int) (t Throughput, err error) {
	err = b.withBoth(ctx, fmt.Sprintf("throughput-%d", inFlight), func(r *rig, raw *bare) error {
		t, err = b.pairs(ctx, inFlight, r, raw)
		return err
	})
	return t, err
}

// withBoth opens a rig and a bare in a folder of their own, and removes both afterwards.
func (b *Bench) withBoth(ctx context.Context, name string, do func(*rig, *bare) error) (err error) {
	dir := filepath.Join(b.Dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = first(err, os.RemoveAll(dir)) }()
	r, err := openRig(ctx, dir, b.Pool)
	if err != nil {
		return err
	}
	defer func() { err = first(err, r.close()) }()
	raw, err := openBare(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = first(err, raw.close()) }()
	return do(r, raw)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) pairs(ctx context.Context, inFlight int, r *rig, raw *bare) (Throughput, error) {
	var steps, bares, ratios []float64
	var took []time.Duration
	connections := watchConnections(r)
	defer connections.close()
	l := load{inFlight: inFlight, last: b.Window, runs: b.Runs, done: &stepsDone}
	for pair := range pairs {
		b.sayf("throughput at %d in flight, pair %d of %d", inFlight, pair+1, pairs)
		runtime.GC()
		ours, err := measure(ctx, l, func(ctx context.Context, _ int) error {
			_, err := r.once(ctx, stepper.Name(), plan{Steps: b.Steps})
			return err
		})
		if err != nil {
			return Throughput{}, err
		}
		runtime.GC()
		theirs, err := b.bareSteps(ctx, l, raw)
		if err != nil {
			return Throughput{}, err
		}
		steps, bares = append(steps, ours.perSecond), append(bares, theirs)
		ratios, took = append(ratios, ours.perSecond/theirs), append(took, ours.took...)
	}
	slices.Sort(took)
	return Throughput{
		InFlight: inFlight, RunsPerS: median(steps) / float64(b.Steps), StepsPerS: median(steps),
		BareStepsPerS: median(bares), Ratio: median(ratios),
		RunP50MS: ms(quantile(took, 0.5)), RunP99MS: ms(quantile(took, 0.99)),
		ConnectionsMax: connections.max(), UnitMaxMS: ms(session.Stats().Longest),
	}, nil
}

// bareThreads is more than any machine gets through in one window.
const bareThreads = 400_000

// bareSteps is the rate of steps when the commits of runs are all that is done.
func (b *Bench) bareSteps(ctx context.Context, l load, raw *bare) (float64, error) {
	done := make([]chan error, l.inFlight)
	for i := range done {
		done[i] = make(chan error, 1)
	}
	if err := raw.more(ctx, max(l.runs, bareThreads)); err != nil {
		return 0, err
	}
	data := []byte(`"` + payload + `"`)
	l.done = &raw.rows
	seen, err := measure(ctx, l, func(_ context.Context, client int) error {
		thread, err := raw.thread()
		if err != nil {
			return err
		}
		for range b.Steps + edges {
			if err := raw.write(thread, data, done[client]); err != nil {
				return err
			}
		}
		return nil
	})
	return seen.perSecond * float64(b.Steps) / float64(b.Steps+edges), err
}

// connections looks at how many connections a rig has open, all the time.
type connections struct {
	most atomic.Int64
	stop chan struct{}
	left chan struct{}
}

func watchConnections(r *rig) *connections {
	c := &connections{stop: make(chan struct{}), left: make(chan struct{})}
	go func() {
		defer close(c.left)
		ticks := time.NewTicker(10 * time.Millisecond)
		defer ticks.Stop()
		for {
			c.most.Store(max(c.most.Load(), int64(r.store.Connections())))
			select {
			case <-ticks.C:
			case <-c.stop:
				return
			}
		}
	}()
	return c
}

func (c *connections) max() int { return int(c.most.Load()) }

func (c *connections) close() {
	close(c.stop)
	<-c.left
}
