package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/reeve-run/reeve/internal/engine"
)

const (
	watchEvery = 500 * time.Millisecond
	// lookEvery is how often one execution is looked at. With a tick each half second that halves the cost.
	lookEvery = time.Second
	// longStep is when a step is first named for its length; then at doubled intervals.
	longStep = 5 * time.Second
	// maxLines bounds what one tick says of long steps, and maxStacks how many stacks it looks up: ten thousand
	// runs may wait for the same slow service.
	maxLines, maxStacks = 20, 20
)

// watch is what the watch remembers of one execution.
type watch struct {
	next   time.Time              // when to look again
	agents map[string]*agentWatch // by path; only those that gave reason to remember something
	named  bool                   // as one that ignores the end of its context
}

// agentWatch is what has been said of an agent's present doing.
type agentWatch struct {
	since   time.Time     // of the doing that was logged as long
	nextLog time.Duration // its age at the next line
	stalled time.Time     // the last sign before the stall that was told
}

// round is one tick: the stacks are read once, if at all.
type round struct {
	s      *Supervisor
	now    time.Time
	stacks stacks
	looked int // stacks looked up
	longs  int // steps that take long
}

func (r *round) stack(e *execution, path string) string {
	if r.looked++; r.looked > maxStacks {
		return "left out: many agents are named at this moment; ask why of the run"
	}
	if r.stacks == "" {
		r.stacks = readStacks()
	}
	return shown(r.stacks.of(e.run()), path)
}

// watches looks after everything in hand until ctx ends.
func (s *Supervisor) watches(ctx context.Context) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	var list []*execution
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		r := &round{s: s, now: time.Now()}
		list = s.table.list(list)
		for i, e := range list {
			if !r.now.Before(e.watch.next) {
				r.look(e)
			}
			list[i] = nil // an ended execution is not kept until the next tick
		}
		if more := r.longs - maxLines; more > 0 {
			s.log.Info("more steps take long", "steps", more)
		}
	}
}

func (r *round) look(e *execution) {
	e.watch.next = r.now.Add(lookEvery)
	states := e.x.States()
	for i := range states {
		r.long(e, &states[i])
		r.stall(e, &states[i])
	}
	r.ignoring(e, states)
	e.watch.prune(states)
}

// long names a step that takes long, at 5 s and then at doubled intervals.
func (r *round) long(e *execution, st *engine.State) {
	elapsed := r.now.Sub(st.Since)
	if st.Doing != engine.InStep || elapsed < longStep {
		return
	}
	w := e.watch.of(st.Path)
	if !w.since.Equal(st.Since) {
		w.since, w.nextLog = st.Since, longStep
	}
	if elapsed < w.nextLog {
		return
	}
	for w.nextLog <= elapsed {
		w.nextLog *= 2
	}
	if r.longs++; r.longs > maxLines {
		return
	}
	r.s.log.Info("a step takes long", r.args(e, st, "elapsed_ms", elapsed.Milliseconds())...)
}

// stall tells once of each silence beyond its bound: in the log of the thread without, in the
// operator's with the stack.
func (r *round) stall(e *execution, st *engine.State) {
	if !st.Stalled(r.now) || !st.Ended.IsZero() {
		return
	}
	w := e.watch.of(st.Path)
	if w.stalled.Equal(st.Sign) {
		return
	}
	w.stalled = st.Sign
	silent := st.Silent(r.now)
	e.x.Stalled(*st, fmt.Sprintf("%s has given no sign of life for %s", doing(st), silent.Round(time.Millisecond)))
	r.s.metrics.stalls.WithLabelValues(st.Agent).Inc()
	r.s.log.Warn("an agent has stalled", r.args(e, st, "silent_ms", silent.Milliseconds(), "stack", r.stack(e, st.Path))...)
}

// ignoring names the agents that have not returned long after their context ended, once.
func (r *round) ignoring(e *execution, states []engine.State) {
	if e.watch.named || len(states) == 0 {
		return
	}
	ended, why := e.ended(&states[0])
	if ended.IsZero() || r.now.Sub(ended) < r.s.cfg.Engine.ReturnBound {
		return
	}
	e.watch.named = true
	for i := range states {
		if states[i].Doing == engine.InCall {
			continue // it waits for one that is named
		}
		r.s.metrics.ignoring.Inc()
		r.s.log.Warn("an agent ignores the end of its context", r.args(e, &states[i], "reason", why,
			"ended_ms", r.now.Sub(ended).Milliseconds(), "stack", r.stack(e, states[i].Path))...)
	}
}

func (r *round) args(e *execution, st *engine.State, more ...any) []any {
	return append([]any{
		"run", string(e.run()), "agent", st.Agent, "path", st.Path, "doing", string(st.Doing), "what", st.What,
		"try", st.Try, "attempt", st.Attempt, "units", st.Units,
	}, more...)
}

func (w *watch) of(path string) *agentWatch {
	if w.agents == nil {
		w.agents = map[string]*agentWatch{}
	}
	a := w.agents[path]
	if a == nil {
		a = &agentWatch{}
		w.agents[path] = a
	}
	return a
}

// prune forgets agents that have returned.
func (w *watch) prune(states []engine.State) {
	if len(w.agents) == 0 {
		return
	}
	live := make(map[string]bool, len(states))
	for i := range states {
		live[states[i].Path] = true
	}
	for path := range w.agents {
		if !live[path] {
			delete(w.agents, path)
		}
	}
}

// doing says in words what an agent is occupied with.
func doing(st *engine.State) string {
	who := "agent " + st.Agent
	if st.Path != "" {
		who += " at " + st.Path
	}
	switch st.Doing {
	case engine.InStep:
		return fmt.Sprintf("step %s of %s", st.What, who)
	case engine.InPause:
		return fmt.Sprintf("%s pauses before the next try of %s", who, st.What)
	case engine.InCall:
		return who + " waits for an agent that it called"
	case engine.InAsk:
		return fmt.Sprintf("%s waits for an answer to %s", who, st.What)
	case engine.InSleep:
		return fmt.Sprintf("%s sleeps at %s", who, st.What)
	case engine.InWrite:
		return who + " waits for the log"
	case engine.InLease:
		return who + " waits for the node's lease"
	}
	return "the body of " + who
}
