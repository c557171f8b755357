package tree

import (
	"strings"
	"time"
)

// State is where a node of the tree stands.
type State int

// The states of a node. Done, Failed and Cancelled are ends.
const (
	Queued State = iota
	Running
	Waiting
	Done
	Failed
	Cancelled
)

func (s State) ended() bool { return s >= Done }

// node is one agent, step, question or sleep.
type node struct {
	path     string
	label    string
	agent    bool
	state    State
	began    time.Time
	ended    time.Time
	until    time.Time // of a sleep
	note     string    // a failure, a question, a try
	text     string    // the end of what it streamed
	children []*node
	lastEnd  time.Time // when its last operation ended: the next began after that
}

// child finds a node by its path below n, and makes what is missing on the way.
func (t *Tree) at(path string) *node {
	if path == "" {
		return t.root
	}
	if n, ok := t.nodes[path]; ok {
		return n
	}
	n := &node{path: path, label: path[strings.LastIndexByte(path, '/')+1:], state: Running}
	parent := t.parent(path)
	n.began = latest(parent.began, parent.lastEnd)
	parent.children = append(parent.children, n)
	t.nodes[path] = n
	return n
}

func (t *Tree) parent(path string) *node {
	cut := strings.LastIndexByte(path, '/')
	if cut < 0 {
		return t.root
	}
	return t.at(path[:cut])
}

// end closes a node.
func (t *Tree) end(n *node, s State, at time.Time) {
	n.state, n.ended, n.text = s, at, ""
	if n != t.root {
		p := t.parent(n.path)
		p.lastEnd = latest(p.lastEnd, at)
	}
}

// took is how long the node took, or has taken by now.
func (n *node) took(now time.Time) time.Duration {
	switch {
	case n.began.IsZero():
		return 0
	case n.state.ended():
		return n.ended.Sub(n.began)
	}
	return max(0, now.Sub(n.began))
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
