package bus

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/reeve-run/reeve"
)

// shards is a power of two well above the number of lanes that publish at once.
const shards = 256

// Bus passes hints on. It is safe for concurrent use; make it with New.
type Bus struct {
	seed     maphash.Seed
	shards   [shards]shard
	runnable shard // its one key is ""
}

// shard holds the subscriptions of some threads. A list is never changed below its
// length: Publish walks the one it found while others come and go.
type shard struct {
	mu      sync.RWMutex
	threads map[reeve.ThreadID][]*subscription
	_       [32]byte // with the above, a cache line of its own
}

// subscription is one subscriber. Its mutex is held around each call.
type subscription struct {
	mu     sync.Mutex
	closed bool
	fn     func(last int64, entries []reeve.Entry)
}

// New makes a bus without subscribers.
func New() *Bus {
	b := &Bus{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].threads = map[reeve.ThreadID][]*subscription{}
	}
	b.runnable.threads = map[reeve.ThreadID][]*subscription{}
	return b
}

// Publish tells the thread's subscribers that its log now ends at last. The entries are
// the newest, in order; nil means: look for yourself. To be called after the commit.
func (b *Bus) Publish(thread reeve.ThreadID, last int64, entries []reeve.Entry) {
	b.shard(thread).publish(thread, last, entries)
}

// Subscribe has fn called for every hint about the thread from now on, until cancel
// returns. The package's rules say what fn may do. A second cancel does nothing.
func (b *Bus) Subscribe(thread reeve.ThreadID, fn func(last int64, entries []reeve.Entry)) (cancel func()) {
	return b.shard(thread).subscribe(thread, fn)
}

// Runnable tells that some thread can be claimed.
func (b *Bus) Runnable() { b.runnable.publish("", 0, nil) }

// SubscribeRunnable has fn called for every Runnable from now on, under the rules of Subscribe.
func (b *Bus) SubscribeRunnable(fn func()) (cancel func()) {
	return b.runnable.subscribe("", func(int64, []reeve.Entry) { fn() })
}

func (b *Bus) shard(thread reeve.ThreadID) *shard {
	return &b.shards[maphash.String(b.seed, string(thread))%shards]
}

func (s *shard) publish(thread reeve.ThreadID, last int64, entries []reeve.Entry) {
	s.mu.RLock()
	subs := s.threads[thread]
	s.mu.RUnlock()
	for _, sub := range subs {
		sub.call(last, entries)
	}
}

func (s *shard) subscribe(thread reeve.ThreadID, fn func(int64, []reeve.Entry)) func() {
	sub := &subscription{fn: fn}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads[thread] = append(s.threads[thread], sub)
	return func() {
		sub.close()
		s.remove(thread, sub)
	}
}

// remove builds the list anew, because a publisher may be walking the old one.
func (s *shard) remove(thread reeve.ThreadID, sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.threads[thread]
	i := slices.Index(old, sub)
	switch {
	case i < 0:
	case len(old) == 1:
		delete(s.threads, thread)
	default:
		s.threads[thread] = slices.Concat(old[:i], old[i+1:])
	}
}

func (s *subscription) call(last int64, entries []reeve.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock() // also when fn panics: the panic is the publisher's to handle
	if !s.closed {
		s.fn(last, entries)
	}
}

func (s *subscription) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.fn = nil
}
