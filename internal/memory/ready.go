package memory

import (
	"container/heap"
	"time"
)

// ready holds the threads that nobody holds and that have a time, by the agent of their head run.
type ready map[string]*dueHeap

// settle puts the thread where it belongs now. To be called after whatever changes the
// thread's head, its holder or its time.
func (s *Store) settle(t *thread) {
	agent := ""
	if head := t.head(); head != nil && !t.held() && !t.due.IsZero() {
		agent = head.Agent
	}
	if t.heapIndex >= 0 && t.heapAgent != agent {
		s.ready.remove(t)
	}
	switch {
	case agent == "":
	case t.heapIndex >= 0:
		heap.Fix(s.ready[agent], t.heapIndex)
	default:
		s.ready.add(t, agent)
	}
}

func (r ready) add(t *thread, agent string) {
	h := r[agent]
	if h == nil {
		h = &dueHeap{}
		r[agent] = h
	}
	t.heapAgent = agent
	heap.Push(h, t)
}

func (r ready) remove(t *thread) {
	h := r[t.heapAgent]
	heap.Remove(h, t.heapIndex)
	if len(*h) == 0 {
		delete(r, t.heapAgent)
	}
}

// oldest is the thread of these agents that has been due for longest, or nil.
func (r ready) oldest(agents map[string]bool, at time.Time) *thread {
	var first *thread
	for agent := range agents {
		h := r[agent]
		if h == nil {
			continue
		}
		if t := (*h)[0]; !t.due.After(at) && (first == nil || t.before(first)) {
			first = t
		}
	}
	return first
}

// becomeDue lets the thread be claimed from the time on, unless it may be earlier already:
// a thread that is written to keeps its place in the queue.
func (s *Store) becomeDue(t *thread, at time.Time) {
	if t.due.IsZero() || t.due.After(at) {
		t.due, t.dueTurn = at, s.turn()
	}
}

func (t *thread) before(other *thread) bool {
	if !t.due.Equal(other.due) {
		return t.due.Before(other.due)
	}
	return t.dueTurn < other.dueTurn
}

// dueHeap is a container/heap of threads, the longest due first.
type dueHeap []*thread

// Len is heap.Interface's.
func (h *dueHeap) Len() int { return len(*h) }

// Less is heap.Interface's.
func (h *dueHeap) Less(i, j int) bool { return (*h)[i].before((*h)[j]) }

// Swap is heap.Interface's.
func (h *dueHeap) Swap(i, j int) {
	list := *h
	list[i], list[j] = list[j], list[i]
	list[i].heapIndex, list[j].heapIndex = i, j
}

// Push is heap.Interface's.
func (h *dueHeap) Push(x any) {
	t := x.(*thread)
	t.heapIndex = len(*h)
	*h = append(*h, t)
}

// Pop is heap.Interface's.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.heapIndex = -1
	return t
}
