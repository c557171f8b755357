package supervisor

import "sync"

// gate counts what is on its way through, and can be shut.
type gate struct {
	mu    sync.Mutex
	in    int
	shut  bool
	empty chan struct{} // closed when shut and nobody is inside
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter says whether one more may go in; leave must follow.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.in++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	g.settle()
}

// close lets nobody in any more. The channel is closed when the last one has left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.shut = true
		g.settle()
	}
	return g.empty
}

func (g *gate) settle() {
	if g.shut && g.in == 0 {
		close(g.empty)
	}
}
