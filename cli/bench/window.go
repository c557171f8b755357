package bench

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// warmUp goes before each window: all clients are under way when it opens.
const warmUp = 500 * time.Millisecond

// load says how much one measurement does: so many clients at once, for so long; or, with
// runs, until so many are done.
type load struct {
	inFlight int
	last     time.Duration
	runs     int
	done     *atomic.Int64 // is raised by one with each thing whose rate is wanted
}

// outcome is what a measurement saw. The rate is that of a window in which all clients are at work: the
// first and the last run with fewer beside them, and would bend it.
type outcome struct {
	perSecond float64
	took      []time.Duration // of each call within the window
}

// measure lets clients do one thing after the other. do gets the number of the client, from 0.
func measure(ctx context.Context, l load, do func(ctx context.Context, client int) error) (outcome, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		all   outcome
		left  atomic.Int64
		began = time.Now()
	)
	left.Store(int64(l.runs))
	more := func() bool {
		return l.runs > 0 && left.Add(-1) >= 0 || l.runs == 0 && time.Since(began) < warmUp+l.last
	}
	for client := range l.inFlight {
		wg.Go(func() {
			var took []time.Duration
			for ctx.Err() == nil && more() {
				start := time.Now()
				if err := do(ctx, client); err != nil {
					stop(err)
					return
				}
				if l.runs > 0 || start.Sub(began) > warmUp {
					took = append(took, time.Since(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.took = append(all.took, took...)
		})
	}
	if l.runs == 0 {
		all.perSecond = l.rate(ctx)
		wg.Wait()
	} else {
		before := l.done.Load()
		wg.Wait()
		all.perSecond = float64(l.done.Load()-before) / time.Since(began).Seconds()
	}
	return all, context.Cause(ctx)
}

// rate counts what is done between the end of the warm-up and the end of the window.
func (l load) rate(ctx context.Context) float64 {
	pause(ctx, warmUp)
	opened, before := time.Now(), l.done.Load()
	pause(ctx, l.last)
	return float64(l.done.Load()-before) / time.Since(opened).Seconds()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// quantile of sorted values; the zero value when there are none.
func quantile[T any](sorted []T, q float64) T {
	if len(sorted) == 0 {
		var zero T
		return zero
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// median of values in any order.
func median[T cmp.Ordered](values []T) T {
	return quantile(slices.Sorted(slices.Values(values)), 0.5)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
