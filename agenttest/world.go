package agenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
)

// thread is the one that a test's run is on.
const thread reeve.ThreadID = "test"

// world is one store, the nodes that live and die on it in turn, and the person outside.
type world struct {
	t     *testing.T
	o     *options
	store *memory.Store
	agent agent.Runnable
	begun time.Time
	id    reeve.RunID
	first int64 // the position of the run's first entry

	outside context.Context // ends with the world
	end     context.CancelFunc
	hands   sync.WaitGroup // what the person is about to do
	wake    chan struct{}  // holds a token while something has come from outside

	mu      sync.Mutex // also held around every commit, so that a death falls between two
	nodes   int
	node    *node             // the living one, nil for none
	running *engine.Execution // nil while no node has the run
	crashes []int             // still to come
	asked   map[string]bool   // questions that the person has seen
	doing   int               // hands that have not finished
	acts    int               // writes from outside so far
	called  bool              // CancelAfter has been done
}

func newWorld(t *testing.T, a agent.Runnable, o *options) *world {
	w := &world{
		t: t, o: o, store: memory.New(), agent: a, begun: time.Now(),
		wake: make(chan struct{}, 1), crashes: o.crashes, asked: map[string]bool{},
	}
	w.outside, w.end = context.WithCancel(context.Background())
	return w
}

// close ends the person, and waits.
func (w *world) close() {
	w.end()
	w.hands.Wait()
	_ = w.store.Close() // of memory: never an error
}

// earlier writes the runs that the thread had before.
func (w *world) earlier() {
	w.t.Helper()
	for _, turn := range w.o.earlier {
		w.join("before")
		res := w.must(&journal.Accept{Thread: thread, Create: true, Agent: w.agent.Name(), Input: turn.input, OnBusy: reeve.Enqueue, Take: "before"})
		c := res.Claimed
		w.must(&journal.Append{
			Thread: thread, Fence: c.Fence, Number: 1,
			Entries: []journal.Draft{
				{Kind: reeve.KindMessageAdded, Run: c.Run.ID, Attempt: 1, Data: said(turn.result)},
				{Kind: reeve.KindRunCompleted, Run: c.Run.ID, Attempt: 1},
			},
			Change: &journal.Change{Run: c.Run.ID, Status: reeve.StatusCompleted, Result: turn.result},
		})
	}
}

func said(content json.RawMessage) json.RawMessage {
	data, err := json.Marshal(reeve.MessageAdded{Role: reeve.RoleAgent, Content: content})
	if err != nil {
		panic("agenttest: a message of JSON is not JSON: " + err.Error())
	}
	return data
}

// accept starts the run.
func (w *world) accept(in json.RawMessage) {
	w.t.Helper()
	res := w.must(&journal.Accept{Thread: thread, Create: true, Agent: w.agent.Name(), Version: w.agent.Version(), Input: in, OnBusy: reeve.Enqueue})
	w.id, w.first = res.Run.ID, res.Run.FirstSeq
	w.saw(res.Entries)
	if w.o.cancelIn > 0 {
		w.act(w.o.cancelIn, &journal.Cancel{Run: w.id, Reason: "agenttest.CancelIn"})
	}
}

// must commits what cannot be refused.
func (w *world) must(op journal.Op) journal.Result {
	w.t.Helper()
	res, err := w.store.Commit(context.Background(), []journal.Op{op})
	if err == nil {
		err = res[0].Err
	}
	if err != nil {
		w.t.Fatalf("agenttest: %T: %v", op, err)
	}
	return res[0]
}

func (w *world) join(id reeve.NodeID) {
	w.t.Helper()
	if err := w.store.Join(context.Background(), journal.Node{ID: id}); err != nil {
		w.t.Fatalf("agenttest: join node %s: %v", id, err)
	}
}

// saw looks at entries as they become durable: a death may follow, or an act of the person.
func (w *world) saw(entries []reeve.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look(entries)
}

// look is saw with w.mu held.
func (w *world) look(entries []reeve.Entry) {
	for i := range entries {
		if entries[i].Run != w.id {
			continue
		}
		if entries[i].Kind == reeve.KindAskOpened {
			w.question(entries[i].Path)
		}
		n := int(entries[i].Seq - w.first + 1)
		if w.o.cancelAfter > 0 && n >= w.o.cancelAfter && !w.called {
			w.called = true
			w.start(0, &journal.Cancel{Run: w.id, Reason: "agenttest.CancelAfter"})
		}
		if w.node != nil && len(w.crashes) > 0 && n >= w.crashes[0] {
			w.crashes = w.crashes[1:]
			w.node.die()
		}
	}
}

// story reads how it all went.
func (w *world) story() *story {
	w.t.Helper()
	run, err := w.store.Run(context.Background(), w.id)
	if err != nil {
		w.t.Fatalf("agenttest: %v", err)
	}
	s := &story{run: run, took: time.Since(w.begun), survived: w.crashes}
	q := journal.EntryQuery{Thread: thread, Run: w.id, Limit: 1000}
	for {
		page, err := w.store.Entries(context.Background(), q)
		if err != nil {
			w.t.Fatalf("agenttest: %v", err)
		}
		if len(page) == 0 {
			return s
		}
		s.log = append(s.log, page...)
		q.After = page[len(page)-1].Seq
	}
}

// logger shows the test what the operator would see: panics with their stacks.
func (w *world) logger(node reeve.NodeID) *slog.Logger {
	h := slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})
	return slog.New(h).With("node", string(node))
}

func (w *world) nextNode() reeve.NodeID {
	w.nodes++
	return reeve.NodeID(fmt.Sprintf("node-%d", w.nodes))
}
