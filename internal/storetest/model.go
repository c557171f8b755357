package storetest

import (
	"fmt"
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// model is the contract at its plainest: what one thread's log and rows are after each
// op, taken one after the other. It knows no rows, no keys of a table and no clock; a
// time is either come or far.
type model struct {
	id     reeve.ThreadID
	lines  []line
	first  int64 // the position of lines[0]
	runs   []*modelRun
	pruned int64 // the runs that went from the front

	hand   *modelRun // started and not ended
	owned  bool      // somebody claimed the thread and has not let go, dead or alive
	dead   bool      // that somebody died
	marked bool      // an outside writer since the owner last looked
	due    bool      // with no living owner: it can be claimed
}

// line is an entry as far as the model tells it.
type line struct {
	Seq  int64
	Run  reeve.RunID
	Kind reeve.Kind
	Path string
}

type modelRun struct {
	id               reeve.RunID
	status           reeve.Status
	attempt, strikes int
	first, last      int64
	begun, cancelled bool
	asks             map[string]bool
	key, hash        string
}

func newModel(id reeve.ThreadID) *model { return &model{id: id, first: 1} }

func (m *model) last() int64 { return m.first + int64(len(m.lines)) - 1 }
func (m *model) held() bool  { return m.owned && !m.dead }

func (m *model) write(r *modelRun, kind reeve.Kind, path string) line {
	l := line{Seq: m.last() + 1, Run: r.id, Kind: kind, Path: path}
	m.lines = append(m.lines, l)
	return l
}

func (m *model) run(id reeve.RunID) *modelRun {
	for _, r := range m.runs {
		if r.id == id {
			return r
		}
	}
	return nil
}

// live are the runs that have not ended, lowest first.
func (m *model) live() []*modelRun {
	return slices.DeleteFunc(slices.Clone(m.runs), func(r *modelRun) bool { return r.status.Ended() })
}

// head is the run whose turn it is.
func (m *model) head() *modelRun {
	if m.hand != nil {
		return m.hand
	}
	if live := m.live(); len(live) > 0 {
		return live[0]
	}
	return nil
}

func (m *model) letGo() { m.owned, m.dead, m.marked, m.due = false, false, false, false }

// end closes a run after its last line was written.
func (m *model) end(r *modelRun, status reeve.Status) {
	r.status, r.last = status, m.last()
	if m.hand == r {
		m.hand = nil
		m.letGo()
	}
	if m.hand == nil {
		m.due = len(m.live()) > 0
	}
}

func (m *model) outside() {
	if m.held() {
		m.marked = true
	} else if m.head() != nil {
		m.due = true
	}
}

// accept gives what is written, and the run; or the code of the refusal.
func (m *model) accept(op *journal.Accept) ([]line, *modelRun, reeve.Code) {
	if op.Key != "" {
		for _, r := range m.runs {
			if r.key == op.Key && r.hash != op.Hash {
				return nil, nil, reeve.CodeKeyReused
			} else if r.key == op.Key {
				return nil, r, ""
			}
		}
	}
	if op.OnBusy == reeve.Reject && len(m.live()) > 0 {
		return nil, nil, reeve.CodeBusy
	}
	from := len(m.lines)
	if op.OnBusy == reeve.Interrupt {
		for _, r := range m.live() {
			m.request(r)
		}
	}
	n := m.pruned + int64(len(m.runs)) + 1
	r := &modelRun{
		id: reeve.MakeRunID(m.id, n), status: reeve.StatusQueued, first: m.last() + 1,
		asks: map[string]bool{}, key: op.Key, hash: op.Hash,
	}
	m.runs = append(m.runs, r)
	m.write(r, reeve.KindMessageAdded, "")
	m.write(r, reeve.KindRunQueued, "")
	if op.Take != "" && m.head() == r && !m.owned {
		m.claim()
	} else {
		m.outside()
	}
	return slices.Clone(m.lines[from:]), r, ""
}

// request writes a request to end once, and the end where nobody is there to write it.
func (m *model) request(r *modelRun) {
	if r.cancelled {
		return
	}
	r.cancelled = true
	m.write(r, reeve.KindCancelRequested, "")
	if r.status == reeve.StatusQueued || r.status == reeve.StatusWaiting && !m.held() {
		m.write(r, reeve.KindRunCancelled, "")
		m.end(r, reeve.StatusCancelled)
	}
}

func (m *model) cancel(id reeve.RunID) ([]line, reeve.Code) {
	r := m.run(id)
	switch {
	case r == nil:
		return nil, reeve.CodeNotFound
	case r.status.Ended():
		return nil, reeve.CodeConflict
	}
	from := len(m.lines)
	m.request(r)
	if len(m.lines) > from {
		m.outside()
	}
	return slices.Clone(m.lines[from:]), ""
}

func (m *model) retry(id reeve.RunID) ([]line, reeve.Code) {
	r := m.run(id)
	switch {
	case r == nil:
		return nil, reeve.CodeNotFound
	case r.status != reeve.StatusFailed:
		return nil, reeve.CodeConflict
	}
	r.status, r.last, r.strikes, r.cancelled = reeve.StatusQueued, 0, 0, false
	l := m.write(r, reeve.KindRunQueued, "")
	m.outside()
	return []line{l}, ""
}

func (m *model) answer(id reeve.RunID, path string) ([]line, reeve.Code) {
	r := m.run(id)
	switch {
	case r == nil:
		return nil, reeve.CodeNotFound
	case r.status.Ended() || !r.asks[path]:
		return nil, reeve.CodeConflict
	}
	delete(r.asks, path)
	l := m.write(r, reeve.KindAskAnswered, path)
	m.outside()
	return []line{l}, ""
}

// append writes the owner's entries; the fence was the thread's.
func (m *model) append(op *journal.Append) ([]line, reeve.Code) {
	if !m.owned {
		return nil, reeve.CodeFenced
	}
	r, c := m.hand, op.Change
	if c != nil && (c.Run != r.id || !r.status.May(c.Status) || c.IfLastSeq != 0 && c.IfLastSeq != m.last()) {
		return nil, reeve.CodeConflict
	}
	from := len(m.lines)
	for _, d := range op.Entries {
		m.write(r, d.Kind, d.Path)
		if d.Kind == reeve.KindAskOpened {
			r.asks[d.Path] = true
		}
	}
	if op.Progress {
		r.strikes = 0
	}
	if c != nil {
		m.change(r, c)
	}
	return slices.Clone(m.lines[from:]), ""
}

func (m *model) change(r *modelRun, c *journal.Change) {
	if c.Status.Ended() {
		m.end(r, c.Status)
		return
	}
	r.status = c.Status
	if c.Release {
		due := m.marked && c.IfLastSeq == 0 || !c.Wake.IsZero() && c.Wake.Before(farAway().Add(-hangs))
		m.letGo()
		m.due = due
	}
}

// claim gives the head run to a new owner.
func (m *model) claim() line {
	r, kind := m.head(), reeve.KindRunResumed
	if m.dead && r.status == reeve.StatusRunning {
		kind = reeve.KindRunStarted
		r.attempt++
		r.strikes++
	}
	if r.status == reeve.StatusQueued {
		kind = reeve.KindRunStarted
		r.attempt = max(r.attempt, 1)
	}
	l := m.write(r, kind, "")
	m.letGo()
	r.status, r.begun, m.hand, m.owned = reeve.StatusRunning, true, r, true
	return l
}

func (m *model) die() {
	if m.held() {
		m.dead, m.marked, m.due = true, false, true
	}
}

// prune takes whole ended runs from the front, all of them old.
func (m *model) prune() {
	whole, last := 0, int64(0)
	for i, r := range m.runs {
		if !r.status.Ended() {
			break
		}
		last = max(last, r.last)
		if i+1 == len(m.runs) || last < m.runs[i+1].first {
			whole = i + 1
		}
	}
	if whole == 0 {
		return
	}
	first := m.last() + 1
	if whole < len(m.runs) {
		first = m.runs[whole].first
	}
	m.lines = m.lines[first-m.first:]
	m.first = first
	m.runs = m.runs[whole:]
	m.pruned += int64(whole)
}

// rows is what the thread's runs must look like, by id.
func (m *model) rows() map[reeve.RunID]string {
	rows := map[reeve.RunID]string{}
	for _, r := range m.runs {
		rows[r.id] = row(r.status, r.attempt, r.first, r.last, r.begun)
	}
	return rows
}

func row(status reeve.Status, attempt int, first, last int64, begun bool) string {
	return fmt.Sprintf("%s, attempt %d, entries %d to %d, begun %v", status, attempt, first, last, begun)
}
