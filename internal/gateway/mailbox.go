package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/reeve-run/reeve"
)

// entryOverhead is what an entry costs in memory beyond its data, as budgets count it.
const entryOverhead = 300

// budget bounds what waits for one client, over all that it follows.
type budget struct {
	maxEntries, maxBytes int64
	entries, bytes       atomic.Int64
}

// room is a part of a budget.
type room struct{ entries, bytes int64 }

func (r *room) add(other room) {
	r.entries += other.entries
	r.bytes += other.bytes
}

func cost(e *reeve.Entry) room {
	return room{entries: 1, bytes: int64(len(e.Data)+len(e.Path)) + entryOverhead}
}

// take reserves room and says whether there was any.
func (b *budget) take(r room) bool {
	n, size := b.entries.Add(r.entries), b.bytes.Add(r.bytes)
	if n <= b.maxEntries && size <= b.maxBytes {
		return true
	}
	b.give(r)
	return false
}

func (b *budget) give(r room) {
	b.entries.Add(-r.entries)
	b.bytes.Add(-r.bytes)
}

// mailbox is where the publisher's goroutine leaves what a follower has not told yet. Putting
// never blocks. Entries are kept only while they join without a hole to what is known;
// otherwise the mailbox remembers how far the log has come, and the follower reads.
type mailbox struct {
	run    reeve.RunID // only this run's entries are kept; "" for all
	budget *budget
	notify func() // must not block

	mu     sync.Mutex
	epoch  int64 // noEpoch until the follower knows it
	live   bool  // the follower has told the past; from here on entries are kept
	closed bool
	tail   int64 // the last position that the follower or the kept entries cover
	last   int64 // the last position that the log is known to have
	kept   []reeve.Entry
	keeps  room // of what is kept
	writes room // of what was taken and is not yet written
	begun  bool // follows was called: the thread has been there
	absent int  // looks in a row that did not find the thread
	fate   fate
}

// fate is what a mailbox learns that ends its follower.
type fate int

const (
	fateOpen  fate = iota
	fateSlow       // more waited than the budget allows
	fateEpoch      // the thread has another epoch now
	fateGone       // the thread is not there any more
)

// put takes a hint. It is called by the publisher.
func (m *mailbox) put(last int64, entries []reeve.Entry) {
	m.mu.Lock()
	news := m.add(last, entries)
	m.mu.Unlock()
	if news {
		m.notify()
	}
}

// add says whether the follower has something to do.
func (m *mailbox) add(last int64, entries []reeve.Entry) bool {
	if m.closed || m.fate != fateOpen {
		return false
	}
	before := m.last
	m.last = max(m.last, last)
	if !m.live || m.tail < before { // telling the past, or behind: it will read all this
		return m.live
	}
	for i := range entries {
		e := &entries[i]
		if e.Seq <= m.tail {
			continue
		}
		if e.First > m.tail+1 {
			break
		}
		if !m.keep(e) {
			return true
		}
	}
	return len(m.kept) > 0 || m.tail < m.last
}

func (m *mailbox) keep(e *reeve.Entry) bool {
	if m.run == "" || e.Run == m.run {
		if !m.budget.take(cost(e)) {
			m.fate = fateSlow
			return false
		}
		m.keeps.add(cost(e))
		m.kept = append(m.kept, *e)
	}
	m.tail = e.Seq
	m.last = max(m.last, m.tail)
	return true
}

// end tells the follower what became of the thread.
func (m *mailbox) end(f fate) {
	m.mu.Lock()
	if m.fate == fateOpen {
		m.fate = f
	}
	m.mu.Unlock()
	m.notify()
}

// load is what a follower takes out of its mailbox at once.
type load struct {
	entries []reeve.Entry
	tail    int64 // what the follower covers when it has told the entries
	last    int64 // what the log is known to have; above tail: read
	fate    fate
}

// take empties the mailbox. The room of what it gives stays reserved until written.
func (m *mailbox) take() load {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := load{entries: m.kept, tail: m.tail, last: m.last, fate: m.fate}
	m.writes.add(m.keeps)
	m.kept, m.keeps = nil, room{}
	return l
}

// written gives back the room of what was taken: the client has it.
func (m *mailbox) written() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget.give(m.writes)
	m.writes = room{}
}

// covered says that the follower has read up to seq, and makes the mailbox live.
func (m *mailbox) covered(seq int64) {
	m.mu.Lock()
	m.live = true
	m.tail = max(m.tail, seq)
	m.last = max(m.last, m.tail)
	m.mu.Unlock()
}

// known says how far the log has come, by the store's own word.
func (m *mailbox) known(head reeve.Position) {
	m.mu.Lock()
	m.absent = 0
	behind := m.live && (m.tail < m.last || m.tail < head.Seq)
	other := m.epoch != noEpoch && m.epoch != head.Epoch
	m.mu.Unlock()
	switch {
	case other:
		m.end(fateEpoch)
	case behind:
		m.put(head.Seq, nil)
	}
}

// vanished says that a look at the store did not find the thread. None is believed before the
// follower has begun: a start subscribes before its thread is there, and the store may be slow. Nor is
// one look alone.
func (m *mailbox) vanished() {
	m.mu.Lock()
	if m.begun {
		m.absent++
	}
	gone := m.absent > 1
	m.mu.Unlock()
	if gone {
		m.end(fateGone)
	}
}

// follows says which run and epoch the mailbox is for, once that is known.
func (m *mailbox) follows(run reeve.RunID, epoch int64) {
	m.mu.Lock()
	m.run, m.epoch, m.begun = run, epoch, true
	m.mu.Unlock()
}

// close gives back what the mailbox holds; nothing is kept any more.
func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.budget.give(m.keeps)
	m.budget.give(m.writes)
	m.kept, m.keeps, m.writes = nil, room{}, room{}
	m.mu.Unlock()
}
