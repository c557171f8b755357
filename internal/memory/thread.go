package memory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// thread is a thread's row, its log and its runs.
type thread struct {
	reeve.Thread
	made   int64         // the turn of its making, for lists
	log    []reeve.Entry // log[i] has position FirstSeq+i
	lastAt time.Time     // of the newest entry ever written: time never runs backwards
	keys   map[string]keyed

	runs     []*run // runs[i] has number firstRun+i
	firstRun int64
	live     []*run // those that have not ended, by number
	current  *run   // the one that has been started and has not ended

	fence  int64
	acks   []ack        // what this claim's owner has written, by number
	node   reeve.NodeID // who holds it, or held it when dead is set; "" when let go
	dead   bool         // the node died holding it
	marked bool         // somebody wrote from outside since the owner last looked

	due       time.Time // when it may be claimed, as long as nobody holds it; zero: not
	dueTurn   int64     // orders threads that are due in the same instant
	heapIndex int       // place in the heap of heapAgent; -1 when in none
	heapAgent string
}

// run is a run's row and what the log says of it.
type run struct {
	reeve.Run
	made      int64
	seqs      []int64 // positions of its entries, rising
	inputSeq  int64
	strikes   int
	cancelled bool           // a cancel.requested stands
	asks      map[string]ask // open questions by path
	key       string         // the Idempotency-Key that started it, or ""
	pruned    bool
}

type ask struct {
	scope, name string
	n           int
}

type keyed struct {
	hash string
	run  *run
}

// ack says that the owner's entries from number on stand at seq and after.
type ack struct {
	number, seq int64
	count       int64
}

func (t *thread) held() bool { return t.node != "" && !t.dead }

func (t *thread) run(id reeve.RunID) *run {
	i := id.N() - t.firstRun
	if i < 0 || i >= int64(len(t.runs)) {
		return nil
	}
	return t.runs[i]
}

// head is the run whose turn it is: the one that was started, else the lowest queued.
func (t *thread) head() *run {
	if t.current != nil {
		return t.current
	}
	if len(t.live) > 0 {
		return t.live[0]
	}
	return nil
}

// write puts a draft at the end of the log. The draft's data becomes the log's own.
func (t *thread) write(at time.Time, d journal.Draft) reeve.Entry {
	if at.Before(t.lastAt) {
		at = t.lastAt
	}
	t.lastAt = at
	t.LastSeq++
	e := reeve.Entry{
		Thread: t.ID, Epoch: t.Epoch, First: t.LastSeq, Seq: t.LastSeq, Run: d.Run, Path: d.Path, Kind: d.Kind,
		Attempt: d.Attempt, Try: d.Try, Data: d.Data, At: at, Scope: d.Scope, N: d.N, Name: d.Name,
	}
	t.log = append(t.log, e)
	if r := t.run(d.Run); r != nil {
		r.note(e)
	}
	return e
}

// note keeps what the run's row needs of a new entry.
func (r *run) note(e reeve.Entry) {
	r.seqs = append(r.seqs, e.Seq)
	switch e.Kind {
	case reeve.KindAskOpened:
		if r.asks == nil {
			r.asks = map[string]ask{}
		}
		r.asks[e.Path] = ask{scope: e.Scope, name: e.Name, n: e.N}
	case reeve.KindAskAnswered:
		delete(r.asks, e.Path)
	case reeve.KindCancelRequested:
		r.cancelled = true
	}
}

// unlive takes an ended run out of the queue. The front, which is the usual one, is free of cost.
func (t *thread) unlive(r *run) {
	i, ok := slices.BinarySearchFunc(t.live, r, byNumber)
	switch {
	case !ok:
	case i == 0:
		t.live[0] = nil
		t.live = t.live[1:]
	default:
		t.live = slices.Delete(t.live, i, i+1)
	}
}

// relive puts a retried run back at its number's place.
func (t *thread) relive(r *run) {
	i, _ := slices.BinarySearchFunc(t.live, r, byNumber)
	t.live = slices.Insert(t.live, i, r)
}

func byNumber(a, b *run) int { return cmp.Compare(a.ID.N(), b.ID.N()) }

// landed finds where the owner's number was written within this claim; 0 when it was not.
func (t *thread) landed(number int64) int64 {
	i, ok := slices.BinarySearchFunc(t.acks, number, func(a ack, n int64) int { return cmp.Compare(a.number, n) })
	if !ok {
		i-- // the stretch that begins before it
	}
	if i < 0 || number >= t.acks[i].number+t.acks[i].count {
		return 0
	}
	return t.acks[i].seq + number - t.acks[i].number
}

// acked is the last number written within this claim.
func (t *thread) acked() int64 {
	if len(t.acks) == 0 {
		return 0
	}
	last := t.acks[len(t.acks)-1]
	return last.number + last.count - 1
}

// mustJSON writes strings and numbers, or the dictionary's types made of them: that cannot fail.
func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("memory: write %T: %v", v, err))
	}
	return data
}
