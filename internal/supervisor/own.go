package supervisor

import (
	"maps"
	"slices"
	"sync"

	"github.com/reeve-run/reeve"
)

// own is the runs that were accepted here and have not ended.
type own struct {
	mu   sync.Mutex
	runs map[reeve.RunID]struct{}
}

func newOwn() *own { return &own{runs: map[reeve.RunID]struct{}{}} }

func (o *own) remember(r reeve.Run) {
	if r.Status.Ended() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.runs[r.ID] = struct{}{}
}

func (o *own) forget(run reeve.RunID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.runs, run)
}

func (o *own) list() []reeve.RunID {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.runs))
}
