package bus_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type hint struct {
	Last    int64
	Entries []reeve.Entry
}

// note makes a subscriber that keeps what it is told, for publishers on this goroutine.
func note(to *[]hint) func(int64, []reeve.Entry) {
	return func(last int64, entries []reeve.Entry) { *to = append(*to, hint{last, entries}) }
}

func TestPublishReachesTheThreadsSubscribersInOrder(t *testing.T) {
	b := bus.New()
	var first, second, other []hint
	defer b.Subscribe("a", note(&first))()
	defer b.Subscribe("a", note(&second))()
	defer b.Subscribe("b", note(&other))()

	entries := []reeve.Entry{{Thread: "a", Seq: 7}, {Thread: "a", Seq: 8}}
	b.Publish("a", 8, entries)
	b.Publish("a", 9, nil)

	want := []hint{{8, entries}, {9, nil}}
	for name, got := range map[string][]hint{"first": first, "second": second} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s subscriber (-want +got):\n%s", name, diff)
		}
	}
	if len(other) != 0 {
		t.Errorf("subscriber of another thread got %v", other)
	}
}

func TestCancelEndsOneSubscription(t *testing.T) {
	b := bus.New()
	got := make([][]hint, 3)
	cancels := make([]func(), 3)
	for i := range got {
		cancels[i] = b.Subscribe("a", note(&got[i]))
	}
	for i, cancel := range cancels {
		b.Publish("a", int64(i+1), nil)
		cancel()
		cancel() // a second one does nothing
	}
	b.Publish("a", 4, nil)
	for i := range got {
		if len(got[i]) != i+1 {
			t.Errorf("subscriber %d got %d hints, want %d", i, len(got[i]), i+1)
		}
	}
}

func TestSubscribeAndCancelOthersFromWithin(t *testing.T) {
	b := bus.New()
	var late, gone []hint
	var cancelLate func()
	cancelGone := func() {}
	cancel := b.Subscribe("a", func(last int64, _ []reeve.Entry) {
		if last == 1 {
			cancelLate = b.Subscribe("a", note(&late))
			cancelGone()
		}
	})
	cancelGone = b.Subscribe("a", note(&gone))
	b.Publish("a", 1, nil)
	b.Publish("a", 2, nil)
	cancel()
	cancelLate()
	if want := []hint{{2, nil}}; !cmp.Equal(want, late) {
		t.Errorf("subscribed during hint 1: got %v, want %v", late, want)
	}
	if len(gone) != 0 {
		t.Errorf("cancelled during hint 1, before its turn: got %v", gone)
	}
}

func TestRunnable(t *testing.T) {
	b := bus.New()
	woken, hints := 0, []hint{}
	cancel := b.SubscribeRunnable(func() { woken++ })
	defer b.Subscribe("", note(&hints))()
	b.Runnable()
	b.Publish("a", 1, nil)
	b.Runnable()
	cancel()
	b.Runnable()
	if woken != 2 || len(hints) != 0 {
		t.Errorf("woken %d times, want 2; %d hints of a thread, want none", woken, len(hints))
	}
}

// TestNoCallAfterCancel has publishers, and subscribers that come and go, on few threads.
// Each subscriber holds the bus to its word: never two calls at once, none after cancel.
func TestNoCallAfterCancel(t *testing.T) {
	b := bus.New()
	stop := make(chan struct{})
	var publishers, subscribers sync.WaitGroup
	for p := range 4 {
		publishers.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-stop:
					return
				default:
					b.Publish(reeve.ThreadID(strconv.Itoa((p+int(n))%3)), n, nil)
					b.Runnable()
				}
			}
		})
	}
	for s := range 8 {
		subscribers.Go(func() {
			for range 300 {
				var inside, cancelled atomic.Bool
				check := func() {
					if cancelled.Load() {
						t.Error("called after cancel had returned")
					}
					if !inside.CompareAndSwap(false, true) {
						t.Error("two calls of one subscription at once")
					}
					inside.Store(false)
				}
				cancel := b.SubscribeRunnable(check)
				if s%2 == 0 {
					cancel()
					cancel = b.Subscribe(reeve.ThreadID(strconv.Itoa(s%3)), func(int64, []reeve.Entry) { check() })
				}
				cancel()
				cancelled.Store(true)
			}
		})
	}
	subscribers.Wait()
	close(stop)
	publishers.Wait()
}

// TestPanicOfASubscriberHurtsNobodyElse: the publisher gets the panic, the bus stays usable.
func TestPanicOfASubscriberHurtsNobodyElse(t *testing.T) {
	b := bus.New()
	cancel := b.Subscribe("a", func(int64, []reeve.Entry) { panic("mine") })
	func() {
		defer func() {
			if r := recover(); r != "mine" {
				t.Errorf("recovered %v, want the subscriber's panic", r)
			}
		}()
		b.Publish("a", 1, nil)
	}()
	cancel()
	var got []hint
	defer b.Subscribe("a", note(&got))()
	b.Publish("a", 2, nil)
	if len(got) != 1 {
		t.Errorf("got %v after the panic, want one hint", got)
	}
}

func TestPublishToNobodyAllocatesNothing(t *testing.T) {
	b := bus.New()
	defer b.Subscribe("followed", func(int64, []reeve.Entry) {})()
	entries := make([]reeve.Entry, 1)
	for _, thread := range []reeve.ThreadID{"nobody", "followed"} {
		if n := testing.AllocsPerRun(1000, func() { b.Publish(thread, 1, entries) }); n != 0 {
			t.Errorf("publish to %s allocates %v times", thread, n)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	const followers = 10_000
	ids := make([]reeve.ThreadID, followers)
	for i := range ids {
		ids[i] = reeve.ThreadID(fmt.Sprintf("0198c1d2e3f47a5b8c9d0e1f2a3b%04d", i))
	}
	entries := make([]reeve.Entry, 1)
	run := func(name string, each func(bus *bus.Bus, subscribe func(reeve.ThreadID))) {
		b.Run(name, func(b *testing.B) {
			hints := bus.New()
			var told atomic.Int64
			each(hints, func(id reeve.ThreadID) {
				b.Cleanup(hints.Subscribe(id, func(int64, []reeve.Entry) { told.Add(1) }))
			})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					hints.Publish(ids[i%followers], int64(i), entries)
				}
			})
		})
	}
	run("nobody", func(*bus.Bus, func(reeve.ThreadID)) {})
	run("10000 threads followed", func(_ *bus.Bus, subscribe func(reeve.ThreadID)) {
		for _, id := range ids {
			subscribe(id)
		}
	})
}

func BenchmarkOneThreadOf10000Followers(b *testing.B) {
	hints := bus.New()
	told := 0
	for range 10_000 {
		b.Cleanup(hints.Subscribe("a", func(int64, []reeve.Entry) { told++ }))
	}
	b.ReportAllocs()
	for b.Loop() {
		hints.Publish("a", 1, nil)
	}
}
