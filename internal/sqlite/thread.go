package sqlite

import (
	"github.com/reeve-run/reeve"
)

// thread is a thread's row. Numbers that are 0 stand for "none".
type thread struct {
	k         int64
	id        reeve.ThreadID
	owner     string
	createdAt int64
	epoch     int64
	firstSeq  int64
	front     int64
	pruneAt   int64

	runs    int64
	head    int64
	status  status
	agent   string
	queued  int64
	asks    int64
	strikes int64

	fence      int64
	node       int64
	died       bool
	runnableAt int64
	inbox      bool

	lastSeq int64
	ack     int64
	ackSeq  int64
	at      int64

	savedSeq int64 // lastSeq as the row has it
	dirty    dirt
	pending  bool // the row of a new run waits to be written
	turn     int  // where its run's turn waits in the batch, from 1; 0: there is none
}

// dirt says how much of a row a batch has changed.
type dirt uint8

const (
	clean  dirt = iota
	behind      // only what catchUp could find: no column of an index is among it
	idle        // it has come to rest: no run, no node
	soiled      // anything
)

// maxBehind is how many entries the log may be ahead of the thread's row.
const maxBehind = 64

// threadColumns, in the order of scan and args.
const threadColumns = `k, id, owner, created_at, epoch, first_seq, front, prune_at, runs, head, status, agent, queued, asks, strikes, ` +
	`fence, node, died, runnable_at, inbox, last_seq, ack, ack_seq, at`

const threadWidth = 24

func (t *thread) targets() []any {
	return []any{
		&t.k, &t.id, &t.owner, &t.createdAt, &t.epoch, &t.firstSeq, &t.front, &t.pruneAt, &t.runs, &t.head, &t.status, &t.agent, &t.queued,
		&t.asks, &t.strikes, &t.fence, &t.node, &t.died, &t.runnableAt, &t.inbox, &t.lastSeq, &t.ack, &t.ackSeq, &t.at,
	}
}

func (t *thread) args(to []any) []any {
	return append(to,
		t.k, string(t.id), t.owner, t.createdAt, t.epoch, t.firstSeq, t.front, t.pruneAt, t.runs, t.head, int64(t.status), t.agent, t.queued,
		t.asks, t.strikes, t.fence, t.node, t.died, t.runnableAt, t.inbox, t.lastSeq, t.ack, t.ackSeq, t.at)
}

// endArgs are the columns of the log's end, in the order of their statement.
func (t *thread) endArgs(to []any) []any {
	return append(to, t.k, t.lastSeq, t.ack, t.ackSeq, t.at)
}

const endWidth = 5

// idleArgs are what is not 0 in a thread at rest, in the order of their statement.
func (t *thread) idleArgs(to []any) []any {
	return append(t.endArgs(to), t.pruneAt)
}

const idleWidth = endWidth + 1

// saw takes in an entry that the row does not know of yet.
func (t *thread) saw(seq, number, at int64) {
	t.lastSeq, t.at = max(t.lastSeq, seq), max(t.at, at)
	if number > 0 && seq > t.ackSeq {
		t.ack, t.ackSeq = number, seq
	}
}

// started says whether the head is a run that has been started and has not ended.
func (t *thread) started() bool { return t.head != 0 && t.status != queued }

// becomeDue lets the thread be claimed from the time on, unless it may be earlier
// already: a thread that is written to keeps its place in the queue.
func (b *batch) becomeDue(t *thread, at int64) {
	if t.runnableAt == 0 || t.runnableAt > at {
		t.runnableAt = at
		b.soil(t, soiled)
	}
}

// letGo takes the thread from its node.
func (t *thread) letGo() { t.node, t.died, t.inbox, t.runnableAt = 0, false, false, 0 }

// touch tells whoever holds the thread, or wakes it, after a write from outside. It says
// whether the thread can be claimed.
func (b *batch) touch(t *thread) bool {
	switch {
	case t.node != 0 && !t.inbox:
		t.inbox = true
		b.soil(t, soiled)
	case t.node == 0 && t.head != 0:
		b.becomeDue(t, b.now)
	}
	return t.runnable(b.now)
}

func (t *thread) runnable(now int64) bool {
	return t.node == 0 && t.runnableAt != 0 && t.runnableAt <= now
}

// maxCached bounds what the cache keeps, at some 300 bytes a row; it is more threads
// than a node runs at once.
const maxCached = 20_000

// cache remembers rows as the last commit left them; see the package's rules.
type cache struct {
	rows    map[reeve.ThreadID]*thread
	version int64 // of the database, as SQLite counts other connections' commits
}

func (c *cache) put(t *thread) {
	if len(c.rows) >= maxCached {
		for id := range c.rows { // any; those in use come back with one read
			delete(c.rows, id)
			if len(c.rows) <= maxCached*7/8 {
				break
			}
		}
	}
	if c.rows == nil {
		c.rows = map[reeve.ThreadID]*thread{}
	}
	c.rows[t.id] = t
}
