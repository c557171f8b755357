package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty breaks chosen commits of a real store.
type faulty struct {
	journal.Store
	mu      sync.Mutex
	commits int
	largest int
	before  func(n int, batch []journal.Op) error // instead of the commit
	after   func(n int) error                     // the commit is written, its answer lost
}

func (f *faulty) Commit(ctx context.Context, batch []journal.Op) ([]journal.Result, error) {
	f.mu.Lock()
	f.commits++
	n := f.commits
	f.largest = max(f.largest, len(batch))
	f.mu.Unlock()
	if f.before != nil {
		if err := f.before(n, batch); err != nil {
			return nil, err
		}
	}
	res, err := f.Store.Commit(ctx, batch)
	if err == nil && f.after != nil {
		if lost := f.after(n); lost != nil {
			return nil, lost
		}
	}
	return res, err
}

const node = reeve.NodeID("node")

// start runs a journal over the store until the test is over.
func start(t *testing.T, store journal.Store, cfg journal.Config) *journal.Journal {
	t.Helper()
	if err := store.Join(t.Context(), journal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	j := journal.New(store, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return j
}

// claim starts a run on a thread of its own and takes it.
func claim(t *testing.T, j *journal.Journal, thread string) journal.Claimed {
	t.Helper()
	res, err := j.Do(t.Context(), &journal.Accept{
		Thread: reeve.ThreadID(thread), Create: true, Agent: "a", Input: []byte(`{}`), OnBusy: reeve.Enqueue, Take: node,
	})
	if err != nil || res.Claimed == nil {
		t.Fatalf("accept: %v, %+v", err, res)
	}
	return *res.Claimed
}

func completed(run reeve.RunID, n int) journal.Draft {
	return journal.Draft{Kind: reeve.KindStepCompleted, Run: run, Name: "s", N: n, Path: fmt.Sprint("s#", n), Data: []byte(fmt.Sprint(n))}
}

func TestAppendsAreGatheredInOrder(t *testing.T) { synctest.Test(t, appendsAreGatheredInOrder) }

func appendsAreGatheredInOrder(t *testing.T) {
	gate := make(chan struct{})
	store := &faulty{Store: memory.New()}
	store.before = func(n int, _ []journal.Op) error {
		if n > 50 {
			<-gate
		}
		return nil
	}
	j := start(t, store, journal.Config{})
	var owners []*journal.Owner
	var runs []reeve.RunID
	for i := range 50 {
		c := claim(t, j, fmt.Sprint("t", i))
		owners, runs = append(owners, j.Owner(t.Context(), c)), append(runs, c.Run.ID)
	}
	var all sync.WaitGroup
	for i, o := range owners {
		for n := range 10 {
			if _, err := o.Hand(completed(runs[i], n+1)); err != nil {
				t.Fatal(err)
			}
		}
		all.Go(func() {
			if _, err := o.Append(nil, completed(runs[i], 11)); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait() // all are handed in
	close(gate)
	all.Wait()
	if store.commits > 60 {
		t.Errorf("%d commits for 550 appends that waited together", store.commits)
	}
	for _, run := range runs {
		next := 1
		for e, err := range j.All(t.Context(), journal.EntryQuery{Thread: run.Thread(), Kinds: []reeve.Kind{reeve.KindStepCompleted}}) {
			if err != nil || e.N != next {
				t.Fatalf("run %s: operation %d stands where %d should: %v", run, e.N, next, err)
			}
			next++
		}
		if next != 12 {
			t.Fatalf("run %s has %d entries", run, next-1)
		}
	}
}

// TestALostAnswerDoublesNothing loses the answer of every third commit, and lets every
// fifth not happen at all.
func TestALostAnswerDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		broken := errors.New("connection reset")
		store.before = func(n int, _ []journal.Op) error {
			if n%5 == 0 {
				return broken
			}
			return nil
		}
		store.after = func(n int) error {
			if n%3 == 0 {
				return broken
			}
			return nil
		}
		j := start(t, store, journal.Config{})
		before, after := store.before, store.after
		store.before, store.after = nil, nil
		claims := make([]journal.Claimed, 8)
		for i := range claims {
			claims[i] = claim(t, j, fmt.Sprint("t", i))
		}
		store.before, store.after = before, after
		var all sync.WaitGroup
		for _, c := range claims {
			all.Go(func() { appendMany(t, j, c, 25) })
		}
		all.Wait()
		for i := range 8 {
			seq := int64(0)
			steps := 0
			for e, err := range j.All(t.Context(), journal.EntryQuery{Thread: reeve.ThreadID(fmt.Sprint("t", i))}) {
				if err != nil || e.Seq != seq+1 {
					t.Fatalf("entry %d follows %d: %v", e.Seq, seq, err)
				}
				seq = e.Seq
				if e.Kind == reeve.KindStepCompleted {
					if steps++; e.N != steps {
						t.Fatalf("operation %d stands where %d should", e.N, steps)
					}
				}
			}
			if steps != 25 {
				t.Fatalf("%d steps in the log, want 25", steps)
			}
		}
	})
}

func appendMany(t *testing.T, j *journal.Journal, c journal.Claimed, n int) {
	o := j.Owner(t.Context(), c)
	last := c.LastSeq
	for i := range n {
		res, err := o.Append(nil, completed(c.Run.ID, i+1))
		if err != nil {
			t.Error(err)
			return
		}
		if res.LastSeq != last+1 {
			t.Errorf("append %d of %s was answered with position %d after %d", i+1, c.Run.ID, res.LastSeq, last)
		}
		last = res.LastSeq
	}
}

// followed notes what a publisher is told.
type followed struct {
	mu    sync.Mutex
	looks int
	kinds []reeve.Kind
}

func (f *followed) Publish(_ reeve.ThreadID, _ int64, entries []reeve.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if entries == nil {
		f.looks++
	}
	for _, e := range entries {
		f.kinds = append(f.kinds, e.Kind)
	}
}

func (*followed) Runnable() {}

// TestAResendTellsFollowersToLook: a resend is answered with positions alone, which are no entries to show.
func TestAResendTellsFollowersToLook(t *testing.T) {
	store, pub := &faulty{Store: memory.New()}, &followed{}
	j := start(t, store, journal.Config{Publisher: pub})
	c := claim(t, j, "t")
	lost := false
	store.after = func(int) error {
		if !lost {
			lost = true
			return errors.New("connection reset")
		}
		return nil
	}
	if _, err := j.Owner(t.Context(), c).Append(nil, completed(c.Run.ID, 1)); err != nil {
		t.Fatal(err)
	}
	for pub.mu.Lock(); pub.looks == 0; pub.mu.Lock() { // told just after the writer
		pub.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	defer pub.mu.Unlock()
	for _, k := range pub.kinds {
		if k == "" {
			t.Fatalf("hollow entries were published: %q", pub.kinds)
		}
	}
}

func TestAPoisonedValueFailsAlone(t *testing.T) {
	gate := make(chan struct{})
	store := &faulty{Store: memory.New()}
	store.before = func(n int, batch []journal.Op) error {
		if n > 20 {
			<-gate
		}
		for _, op := range batch {
			if a, ok := op.(*journal.Append); ok && strings.Contains(string(a.Entries[len(a.Entries)-1].Data), "poison") {
				return &journal.PoisonError{Err: errors.New("no")}
			}
		}
		return nil
	}
	j := start(t, store, journal.Config{})
	var claims []journal.Claimed
	for i := range 20 {
		claims = append(claims, claim(t, j, fmt.Sprint("t", i)))
	}
	var refused, written atomic.Int32
	var all sync.WaitGroup
	for i, c := range claims {
		all.Go(func() {
			d := completed(c.Run.ID, 1)
			if i == 13 {
				d.Data = []byte(`"poison"`)
			}
			_, err := j.Owner(t.Context(), c).Append(nil, d)
			switch {
			case err == nil:
				written.Add(1)
			case i == 13 && reeve.CodeOf(err) == reeve.CodeInvalid:
				refused.Add(1)
			default:
				t.Errorf("append %d: %v", i, err)
			}
		})
	}
	close(gate)
	all.Wait()
	if refused.Load() != 1 || written.Load() != 19 {
		t.Errorf("%d written, %d refused", written.Load(), refused.Load())
	}
}

func TestTroubleIsWaitedForByOwnersAndToldToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		down := atomic.Bool{}
		store.before = func(int, []journal.Op) error {
			if down.Load() {
				return errors.New("disk full")
			}
			return nil
		}
		j := start(t, store, journal.Config{})
		c := claim(t, j, "t")
		down.Store(true)
		var all sync.WaitGroup
		defer all.Wait()
		all.Go(func() {
			if _, err := j.Owner(t.Context(), c).Append(nil, completed(c.Run.ID, 1)); err != nil {
				t.Errorf("the owner was told of the trouble: %v", err)
			}
		})
		synctest.Wait() // the lane is busy with the owner's: what comes now waits behind it
		all.Go(func() {
			begun := time.Now()
			_, err := j.Do(t.Context(), &journal.Cancel{Run: c.Run.ID})
			if reeve.CodeOf(err) != reeve.CodeUnavailable || time.Since(begun) > 10*time.Second {
				t.Errorf("after %s: %v", time.Since(begun), err)
			}
		})
		time.Sleep(time.Minute)
		down.Store(false)
	})
}

func TestAnOwnerThatLosesItsThreadIsRefused(t *testing.T) {
	store := memory.New()
	j := start(t, store, journal.Config{})
	c := claim(t, j, "t")
	if err := store.Join(t.Context(), journal.Node{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	again, err := j.Claim(t.Context(), journal.ClaimQuery{Node: "other", Agents: []string{"a"}, Limit: 1})
	if err != nil || len(again) != 1 || again[0].Fence <= c.Fence || again[0].Run.Attempt != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := j.Owner(t.Context(), c).Append(nil, completed(c.Run.ID, 1)); reeve.CodeOf(err) != reeve.CodeFenced {
		t.Fatalf("the old owner's append: %v", err)
	}
}

func TestAFullLaneMakesWritersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memory.New()}
		slow := atomic.Bool{}
		store.before = func(int, []journal.Op) error {
			if slow.Load() {
				time.Sleep(time.Second)
			}
			return nil
		}
		j := start(t, store, journal.Config{MaxPending: 8 << 10})
		c := claim(t, j, "t")
		o := j.Owner(t.Context(), c)
		slow.Store(true)
		begun := time.Now()
		for i := range 100 {
			d := completed(c.Run.ID, i+1)
			d.Data = []byte(`"` + strings.Repeat("x", 1000) + `"`)
			if _, err := o.Hand(d); err != nil {
				t.Fatal(err)
			}
		}
		if j.Stats().Waits.Load() == 0 || time.Since(begun) < 5*time.Second {
			t.Errorf("100 KB went into a lane of 8 KB in %s with %d waits", time.Since(begun), j.Stats().Waits.Load())
		}
	})
}

func TestAStoppedJournalAnswersWhatWaits(t *testing.T) {
	store := memory.New()
	j := journal.New(store, journal.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Run(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := j.Do(t.Context(), &journal.Cancel{Run: "t.1"})
	if reeve.CodeOf(err) != reeve.CodeUnavailable {
		t.Fatal(err)
	}
}

func TestAnEntryOverTheLimitIsRefusedWithItsName(t *testing.T) {
	j := start(t, memory.New(), journal.Config{MaxEntry: 100})
	c := claim(t, j, "t")
	d := completed(c.Run.ID, 1)
	d.Data = []byte(`"` + strings.Repeat("x", 200) + `"`)
	_, err := j.Owner(t.Context(), c).Append(nil, d)
	if reeve.CodeOf(err) != reeve.CodeTooLarge || !strings.Contains(err.Error(), `step.completed at "s#1" has 202 bytes: an entry holds at most 100`) {
		t.Fatal(err)
	}
}

func TestRedactionSeesDataBeforeItIsStored(t *testing.T) {
	j := start(t, memory.New(), journal.Config{Redact: func(_ reeve.Kind, data json.RawMessage) json.RawMessage {
		return []byte(strings.ReplaceAll(string(data), "secret", "***"))
	}})
	c := claim(t, j, "t")
	d := completed(c.Run.ID, 1)
	d.Data = []byte(`"a secret"`)
	if _, err := j.Owner(t.Context(), c).Append(nil, d); err != nil {
		t.Fatal(err)
	}
	for e, err := range j.All(t.Context(), journal.EntryQuery{Thread: "t"}) {
		if err != nil || strings.Contains(string(e.Data), "secret") {
			t.Fatalf("%s: %s, %v", e.Kind, e.Data, err)
		}
	}
}

// TestWhatAGoneOwnerHandedInIsGivenUp: it is not written any more, and those behind it do not wait.
func TestWhatAGoneOwnerHandedInIsGivenUp(t *testing.T) {
	gate := make(chan struct{})
	store := &faulty{Store: memory.New()}
	j := start(t, store, journal.Config{MaxRows: 1})
	busy, gone, alive := claim(t, j, "busy"), claim(t, j, "gone"), claim(t, j, "alive")
	entered := make(chan struct{}, 10)
	store.before = func(int, []journal.Op) error { entered <- struct{}{}; <-gate; return nil }
	if _, err := j.Owner(t.Context(), busy).Hand(completed(busy.Run.ID, 1)); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, leave := context.WithCancel(t.Context())
	settled, err := j.Owner(ctx, gone).Hand(completed(gone.Run.ID, 1))
	if err != nil {
		t.Fatal(err)
	}
	leave()
	done := make(chan error, 1)
	go func() {
		_, err := j.Owner(t.Context(), alive).Append(nil, completed(alive.Run.ID, 1))
		done <- err
	}()
	close(gate)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	<-settled
	for e := range j.All(t.Context(), journal.EntryQuery{Thread: "gone"}) {
		if e.Kind == reeve.KindStepCompleted {
			t.Fatal("the step of an owner who had gone was written")
		}
	}
}
