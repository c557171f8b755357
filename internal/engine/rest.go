package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// rest counts the goroutines of an execution that work, and lets go of the thread when
// none has for a while. A goroutine lies down when it waits for a person, a time or its branches,
// and rises when that is over; while the decision to let go is on its way to the log, whoever
// wants to rise waits for it.
type rest struct {
	x     *Execution
	mu    sync.Mutex
	moved sync.Cond

	working int
	waits   map[string]reeve.Waiting
	timer   *time.Timer
	letting bool // the decision is on its way
	gone    bool // let go
	over    bool // no decision any more
}

func (r *rest) init(x *Execution) {
	r.x, r.working = x, 1
	r.moved.L = &r.mu
}

// start counts a goroutine that begins, stop one that has returned.
func (r *rest) start() {
	r.mu.Lock()
	r.working++
	r.settle()
	r.mu.Unlock()
}

func (r *rest) stop() {
	r.mu.Lock()
	r.working--
	r.settle()
	r.mu.Unlock()
}

// lie says that the calling goroutine waits: for w, or for its branches when w is nil.
func (r *rest) lie(w *reeve.Waiting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.working--
	if w != nil {
		if r.waits == nil {
			r.waits = make(map[string]reeve.Waiting, 1)
		}
		r.waits[w.Path] = *w
	}
	r.settle()
}

// rise says that the wait is over. It is agent.ErrSuspended when the run has been let go of meanwhile.
func (r *rest) rise(w *reeve.Waiting) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.letting {
		r.moved.Wait()
	}
	if w != nil {
		delete(r.waits, w.Path)
	}
	r.working++
	r.settle()
	if r.gone {
		return agent.ErrSuspended
	}
	return nil
}

func (r *rest) released() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

func (r *rest) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.settle()
}

// settle starts the clock when everything waits, and stops it when something works. r.mu is held.
func (r *rest) settle() {
	idle := r.working == 0 && len(r.waits) > 0 && !r.over && !r.gone && !r.letting
	switch {
	case idle && r.timer == nil:
		r.timer = time.AfterFunc(r.x.cfg.WaitBound, func() { r.x.background(r.decide) })
	case !idle && r.timer != nil:
		r.timer.Stop()
		r.timer = nil
	}
}

// decide lets go, if everything still waits.
func (r *rest) decide() {
	waits, ok := r.beginLetting()
	if !ok {
		return
	}
	if ok = r.x.letGoToWait(waits); ok {
		r.x.end(agent.ErrSuspended) // before anybody may rise, so that no function goes on
	}
	r.mu.Lock()
	r.letting, r.gone = false, ok
	r.settle()
	r.moved.Broadcast()
	r.mu.Unlock()
}

func (r *rest) beginLetting() ([]reeve.Waiting, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer = nil
	if r.working > 0 || r.over || len(r.waits) == 0 || r.x.cut() != nil {
		return nil, false
	}
	r.letting = true
	waits := slices.Collect(maps.Values(r.waits))
	slices.SortFunc(waits, func(a, b reeve.Waiting) int { return cmp.Compare(a.Path, b.Path) })
	return waits, true
}

// maxWaits bounds how many of the things that a run waits for its entry names.
const maxWaits = 100

// letGoToWait writes run.waiting, if the log has nothing that this execution has not
// read. What it reads then may be what a branch waits for: it stays.
func (x *Execution) letGoToWait(waits []reeve.Waiting) bool {
	for x.cut() == nil {
		x.mu.Lock()
		seen := x.seen
		x.mu.Unlock()
		waiting := reeve.RunWaiting{For: waits[:min(len(waits), maxWaits)]}
		change := &journal.Change{Run: x.run, Status: reeve.StatusWaiting, Release: true, IfLastSeq: seen}
		if until, ok := earliest(waits); ok {
			waiting.Until, change.Wake = &until, until
		}
		err := x.write(change, x.draft(reeve.KindRunWaiting, "", marshal(waiting)))
		if err == nil {
			return true
		}
		if reeve.CodeOf(err) != reeve.CodeConflict {
			return false
		}
		if err := x.sync(x.ctx); err != nil || x.answeredAny(waits) {
			return false
		}
	}
	return false
}

// earliest is the first of the times that a wait ends by itself.
func earliest(waits []reeve.Waiting) (time.Time, bool) {
	var first time.Time
	for _, w := range waits {
		if w.Until != nil && (first.IsZero() || w.Until.Before(first)) {
			first = *w.Until
		}
	}
	return first, !first.IsZero()
}

// await lies down until something arrives on ch, the time has come (zero: never), or ctx ends. due
// says that it was the time.
func (b *branch) await(ctx context.Context, w reeve.Waiting, ch <-chan reeve.Entry) (e reeve.Entry, due bool, err error) {
	var expired <-chan time.Time
	if w.Until != nil {
		timer := time.NewTimer(time.Until(*w.Until))
		defer timer.Stop()
		expired = timer.C
	}
	// A bound that the author has put around the wait brings the run back too.
	bounded := w
	if d, ok := ctx.Deadline(); ok && (w.Until == nil || d.Before(*w.Until)) {
		bounded.Until = &d
	}
	b.x.rest.lie(&bounded)
	select {
	case e = <-ch:
	case <-expired:
		due = true
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if gone := b.x.rest.rise(&w); gone != nil {
		return e, false, gone
	}
	return e, due, err
}
