package bench

import (
	"cmp"
	"context"
	"errors"
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
}

// outcome is what a measurement saw: only what ended inside its window counts, so that neither the
// first nor the last clients, which run with fewer beside them, bend the rate.
type outcome struct {
	perSecond float64
	took      []time.Duration // of each, sorted
}

// measure lets clients do one thing after the other. do gets the number of the client, from 0.
func measure(ctx context.Context, l load, do func(ctx context.Context, client int) error) (outcome, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		all   outcome
		errs  []error
		left  atomic.Int64
		began = time.Now()
	)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	left.Store(int64(l.runs))
	opens, closes := began.Add(warmUp), began.Add(warmUp+l.last)
	if l.runs > 0 {
		opens = began
	}
	for client := range l.inFlight {
		wg.Go(func() {
			var took []time.Duration
			var err error
			for err == nil && ctx.Err() == nil {
				if l.runs > 0 && left.Add(-1) < 0 || l.runs == 0 && time.Now().After(closes) {
					break
				}
				start := time.Now()
				if err = do(ctx, client); err != nil {
					stop()
					break
				}
				if end := time.Now(); !end.Before(opens) && (l.runs > 0 || end.Before(closes)) {
					took = append(took, end.Sub(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.took, errs = append(all.took, took...), append(errs, err)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return outcome{}, err
	}
	if ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	window := l.last
	if l.runs > 0 {
		window = time.Since(began)
	}
	slices.Sort(all.took)
	all.perSecond = float64(len(all.took)) / window.Seconds()
	return all, nil
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
