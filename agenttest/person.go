package agenttest

import (
	"time"

	"github.com/reeve-run/reeve/internal/journal"
)

// question lets the person answer what was asked, if an option says so. w.mu is held.
func (w *world) question(path string) {
	a, ok := w.o.answers[path]
	if !ok || w.asked[path] {
		return
	}
	w.asked[path] = true
	w.start(a.after, &journal.Answer{Run: w.id, Path: path, Value: a.value, By: "client"})
}

// act writes an op from outside after a while, as a client would.
func (w *world) act(after time.Duration, op journal.Op) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start(after, op)
}

// start is act with w.mu held.
func (w *world) start(after time.Duration, op journal.Op) {
	w.doing++
	w.hands.Go(func() {
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.write(op)
		case <-w.outside.Done():
		}
	})
}

// write commits and tells whoever has the run. A refusal is an answer too: somebody
// was first, or the run has ended.
func (w *world) write(op journal.Op) {
	w.mu.Lock()
	results, err := w.store.Commit(w.outside, []journal.Op{op})
	w.doing--
	w.acts++
	running := w.running
	if err == nil {
		w.look(results[0].Entries)
	}
	w.mu.Unlock()
	if running != nil && err == nil {
		running.Deliver(results[0].Entries)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *world) actsSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acts
}
