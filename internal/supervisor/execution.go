package supervisor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
)

// execution is one claim in the hands of this node, until all of its functions have returned.
type execution struct {
	claim   journal.Claimed
	term    *term
	x       *engine.Execution
	begun   time.Time
	ending  atomic.Pointer[ending] // why its context has ended, when the supervisor ended it
	checked int64                  // the inbox has been read up to here; the inbox's own
	watch   watch                  // the watch's own
}

// ending is why, and since when, the functions of an execution are to return.
type ending struct {
	at  time.Time
	why string
}

func newExecution(t *term, x *engine.Execution, c journal.Claimed) *execution {
	return &execution{claim: c, term: t, x: x, begun: time.Now(), checked: c.LastSeq}
}

func (e *execution) run() reeve.RunID { return e.claim.Run.ID }

// end notes the first reason for which the functions are to return.
func (e *execution) end(why string) {
	e.ending.CompareAndSwap(nil, &ending{at: time.Now(), why: why})
}

// ended is since when, and why, the functions of the execution are to return; zero while they may go on.
func (e *execution) ended(st *engine.State) (time.Time, string) {
	if end := e.ending.Load(); end != nil {
		return end.at, end.why
	}
	return st.Ended, "it was let go or cancelled"
}

// deliver hands on what somebody else wrote to the thread.
func (e *execution) deliver(entries ...reeve.Entry) {
	for i := range entries {
		if entries[i].Run == e.run() && entries[i].Kind == reeve.KindCancelRequested {
			e.end("it was cancelled")
		}
	}
	e.x.Deliver(entries)
}

func (e *execution) letGo(reason string) {
	e.end(reason)
	e.x.LetGo(reason)
}

// rests says whether every agent of the tree waits for a person, a time, or one that does:
// nothing is lost by letting go of it at once.
func (e *execution) rests() bool {
	states := e.x.States()
	for _, s := range states {
		if s.Doing != engine.InAsk && s.Doing != engine.InSleep && s.Doing != engine.InCall {
			return false
		}
	}
	return len(states) > 0
}

// table holds the executions of this node. A run that was let go and whose functions
// have not returned yet may be here beside its next execution.
type table struct {
	mu      sync.Mutex
	all     map[*execution]struct{}
	current map[reeve.ThreadID]*execution // the latest claim of each thread
	agents  map[string]int                // in hand, by agent
	waiters []chan struct{}               // closed when the table is empty
}

func newTable() *table {
	return &table{
		all:     map[*execution]struct{}{},
		current: map[reeve.ThreadID]*execution{},
		agents:  map[string]int{},
	}
}

func (t *table) add(e *execution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[e] = struct{}{}
	t.agents[e.claim.Run.Agent]++
	thread := e.claim.Run.Thread
	if now := t.current[thread]; now == nil || now.term != e.term || now.claim.Fence < e.claim.Fence {
		t.current[thread] = e
	}
}

func (t *table) remove(e *execution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, e)
	if t.agents[e.claim.Run.Agent]--; t.agents[e.claim.Run.Agent] == 0 {
		delete(t.agents, e.claim.Run.Agent)
	}
	if t.current[e.claim.Run.Thread] == e {
		delete(t.current, e.claim.Run.Thread)
	}
	if len(t.all) == 0 {
		for _, w := range t.waiters {
			close(w)
		}
		t.waiters = nil
	}
}

// empty gives a channel that is closed when no execution is here.
func (t *table) empty() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := make(chan struct{})
	if len(t.all) == 0 {
		close(w)
	} else {
		t.waiters = append(t.waiters, w)
	}
	return w
}

// of is the run's latest execution here, or nil.
func (t *table) of(run reeve.RunID) *execution {
	e := t.on(run.Thread())
	if e == nil || e.run() != run {
		return nil
	}
	return e
}

// on is the thread's latest execution here, or nil.
func (t *table) on(thread reeve.ThreadID) *execution {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current[thread]
}

// list is every execution, in no order; into is room for it.
func (t *table) list(into []*execution) []*execution {
	t.mu.Lock()
	defer t.mu.Unlock()
	into = into[:0]
	for e := range t.all {
		into = append(into, e)
	}
	return into
}

// running is how many executions of the agent are here.
func (t *table) running(agent string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.agents[agent]
}

// deliver hands each entry to the execution of its run, where that is here.
func (t *table) deliver(entries []reeve.Entry) {
	for i := range entries {
		if !fromOutside(entries[i].Kind) {
			continue
		}
		if e := t.of(entries[i].Run); e != nil {
			e.deliver(entries[i])
		}
	}
}

// outsideKinds are what somebody other than the owner writes for a run in hand.
var outsideKinds = []reeve.Kind{reeve.KindAskAnswered, reeve.KindCancelRequested}

func fromOutside(k reeve.Kind) bool { return k == outsideKinds[0] || k == outsideKinds[1] }

// term is one membership of the node. Its context ends when its threads are lost.
type term struct {
	node reeve.NodeID
	ctx  context.Context
	lose context.CancelCauseFunc
}
