package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
)

// scribe writes logs without lanes and publishes hints as a bad network would.
type scribe struct {
	t     *testing.T
	tape  *tape
	store *memory.Store
	subs  []func(int64, []reeve.Entry)
	held  map[reeve.RunID]*journal.Append
	runs  []reeve.RunID
}

func (s *scribe) Subscribe(_ reeve.ThreadID, fn func(int64, []reeve.Entry)) func() {
	s.subs = append(s.subs, fn)
	return func() {}
}

func (s *scribe) commit(op journal.Op) journal.Result {
	s.t.Helper()
	res, err := s.store.Commit(s.t.Context(), []journal.Op{op})
	if err != nil || res[0].Err != nil {
		s.t.Fatalf("commit: %v, %v", err, res)
	}
	return res[0]
}

func (s *scribe) accept(thread reeve.ThreadID) reeve.RunID {
	res := s.commit(&journal.Accept{Thread: thread, Create: len(s.runs) == 0, Owner: "local", Agent: "echo", Input: []byte("1"), OnBusy: reeve.Enqueue})
	s.runs = append(s.runs, res.Run.ID)
	s.hint(res)
	return res.Run.ID
}

// work claims the thread's next run and lets it take some steps, and perhaps end.
func (s *scribe) work(steps int, end bool) {
	for _, run := range s.runs {
		if s.held[run] != nil {
			s.act(run, steps, end)
			return
		}
	}
	claimed, err := s.store.Claim(s.t.Context(), journal.ClaimQuery{Node: node, Agents: []string{"echo"}, Limit: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range claimed {
		s.held[c.Run.ID] = &journal.Append{Thread: c.Run.Thread, Fence: c.Fence, Number: 1}
		s.hint(journal.Result{Entries: c.Entries, LastSeq: c.LastSeq})
		s.act(c.Run.ID, steps, end)
	}
}

func (s *scribe) act(run reeve.RunID, steps int, end bool) {
	op := *s.held[run]
	op.Entries = nil
	for i := range steps {
		op.Entries = append(op.Entries, journal.Draft{Kind: reeve.KindStepCompleted, Run: run, Path: strconv.Itoa(i), Attempt: 1, Data: []byte("1")})
	}
	if end {
		op.Entries = append(op.Entries, journal.Draft{Kind: reeve.KindRunCompleted, Run: run, Attempt: 1, Data: []byte("1")})
		op.Change = &journal.Change{Run: run, Status: reeve.StatusCompleted, Result: []byte("1")}
		delete(s.held, run)
	} else {
		s.held[run].Number += int64(len(op.Entries))
	}
	if len(op.Entries) > 0 {
		s.hint(s.commit(&op))
	}
}

// hint publishes a commit, or loses it, or says only that there was one.
func (s *scribe) hint(res journal.Result) {
	for _, fn := range s.subs {
		switch s.tape.pick(6) {
		case 0:
		case 1:
			fn(res.LastSeq, nil)
		case 2:
			fn(res.LastSeq, res.Entries)
			fn(res.LastSeq, res.Entries)
		case 3:
			if n := len(res.Entries); n > 1 {
				fn(res.Entries[n-1].Seq, res.Entries[n-1:])
				fn(res.Entries[0].Seq, res.Entries[:1])
				continue
			}
			fallthrough
		default:
			fn(res.LastSeq, res.Entries)
		}
	}
}

// tape is the numbers that a property is played from; past its end all are 0.
type tape struct{ numbers []int }

func (t *tape) pick(n int) int {
	if len(t.numbers) == 0 {
		return 0
	}
	first := t.numbers[0]
	t.numbers = t.numbers[1:]
	return first % n
}

// follows drains a follower and keeps what it told.
type follows struct {
	f    *follower
	from int64
	told []reeve.Entry
	done bool
}

func (f *follows) drain(ctx context.Context) error {
	for !f.done {
		p, err := f.f.next(ctx)
		if err != nil {
			return fmt.Errorf("follow %v from %d: %w", f.f.on, f.from, err)
		}
		f.told = append(f.told, p.entries...)
		f.f.box.written()
		if f.done = p.done; !p.more {
			return nil
		}
	}
	return nil
}

// TestFollowingIsExact drives followers of a thread and of its runs, begun at random positions, beside a
// log that grows, with hints that are lost, empty, doubled and swapped: after a tick all is told,
// each entry once and in order, joined by First.
func TestFollowingIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		played := &tape{rapid.SliceOfN(rapid.IntRange(0, 1<<20), 20, 300).Draw(rt, "tape")}
		var err error
		synctest.Test(t, func(t *testing.T) { err = exact(t, played) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func exact(t *testing.T, played *tape) error {
	s := &scribe{t: t, tape: played, store: memory.New(), held: map[reeve.RunID]*journal.Append{}}
	if err := s.store.Join(t.Context(), journal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	g := New(Config{Log: s.store, Hints: s, Logger: slog.New(slog.DiscardHandler)})
	defer func() { _ = g.Close(t.Context()) }()
	s.accept("t")
	var all []*follows
	defer func() {
		for _, f := range all {
			g.endFollower(f.f)
		}
	}()
	for len(played.numbers) > 0 {
		switch played.pick(6) {
		case 0:
			s.accept("t")
		case 1:
			f, err := s.follow(t.Context(), g)
			if err != nil {
				return err
			}
			all = append(all, f)
		case 2:
			for _, f := range all {
				if played.pick(2) == 0 {
					continue
				}
				if err := f.drain(t.Context()); err != nil {
					return err
				}
			}
		case 3:
			time.Sleep(tick)
		default:
			s.work(played.pick(5), played.pick(2) == 1)
		}
	}
	return settled(t, s.store, all)
}

// follow begins a follower at some position of the thread or of one of its runs.
func (s *scribe) follow(ctx context.Context, g *Gateway) (*follows, error) {
	head, err := s.store.Thread(ctx, "t")
	if err != nil {
		return nil, err
	}
	on := target{thread: "t"}
	if i := s.tape.pick(len(s.runs) + 1); i > 0 {
		on.run = s.runs[i-1]
	}
	f := &follows{f: g.newFollower(on, func() {}, g.newBudget()), from: int64(s.tape.pick(int(head.LastSeq) + 1))}
	return f, f.f.open(ctx, auth.Local, place{after: f.from, epoch: noEpoch})
}

// settled lets ticks pass and compares what was told with the log.
func settled(t *testing.T, store *memory.Store, all []*follows) error {
	w := &world{TB: t, store: store}
	for range 3 { // the first may find a follower in its past
		for _, f := range all {
			if err := f.drain(t.Context()); err != nil {
				return err
			}
		}
		time.Sleep(tick + time.Millisecond)
		synctest.Wait()
	}
	for _, f := range all {
		if err := f.drain(t.Context()); err != nil {
			return err
		}
		if diff := cmp.Diff(w.log(f.f.on, f.from), append([]reeve.Entry{}, f.told...), cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("following %v after %d: %s", f.f.on, f.from, diff)
		}
		if f.f.on.run == "" {
			continue
		}
		run, err := store.Run(t.Context(), f.f.on.run)
		if err != nil || run.Status.Ended() != f.done {
			return fmt.Errorf("run %s is %s, the follower's done is %v: %w", run.ID, run.Status, f.done, err)
		}
	}
	return nil
}

// TestSlowMailbox holds that what waits is bounded over all that one client follows.
func TestSlowMailbox(t *testing.T) {
	b := &budget{maxEntries: 3, maxBytes: 1 << 20}
	boxes := []*mailbox{{budget: b, notify: func() {}, live: true}, {budget: b, notify: func() {}, live: true}}
	for seq := int64(1); seq <= 2; seq++ {
		for _, m := range boxes {
			m.put(seq, []reeve.Entry{{First: seq, Seq: seq}})
		}
	}
	if f := boxes[1].take().fate; f != fateSlow {
		t.Errorf("the second mailbox: %v", f)
	}
	if l := boxes[0].take(); l.fate != fateOpen || len(l.entries) != 2 {
		t.Errorf("the first mailbox: %+v", l)
	}
	if b.entries.Load() != 3 {
		t.Errorf("what is taken and not written counts %d entries", b.entries.Load())
	}
	boxes[0].written()
	boxes[1].written()
	if b.entries.Load() != 0 || b.bytes.Load() != 0 {
		t.Errorf("the budget keeps %d entries, %d bytes", b.entries.Load(), b.bytes.Load())
	}
}
