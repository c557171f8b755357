package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// tick is how often followed threads are compared with the store, and beats are told.
const tick = time.Second

// headsChunk bounds how many threads one look at heads asks for.
const headsChunk = 500

// clock is the gateway's one timer: what every follower and socket would otherwise need a
// timer of its own for. Its goroutine starts with the first member and ends with stop.
type clock struct {
	log    journal.Reader
	logger *slog.Logger
	missed func() // counts a look at heads that failed

	mu        sync.Mutex
	followers map[*follower]struct{}
	sockets   map[*socket]struct{}
	gone      chan struct{} // closed when the goroutine has returned; nil before it starts
	ctx       context.Context
	cancel    context.CancelFunc
}

func newClock(log journal.Reader, logger *slog.Logger, missed func()) *clock {
	ctx, cancel := context.WithCancel(context.Background())
	return &clock{
		log: log, logger: logger, missed: missed, ctx: ctx, cancel: cancel,
		followers: map[*follower]struct{}{}, sockets: map[*socket]struct{}{},
	}
}

// join adds a follower and gives the function that takes it out.
func (c *clock) join(f *follower) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followers[f] = struct{}{}
	c.start()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.followers, f)
	}
}

// joinSocket is join for a socket.
func (c *clock) joinSocket(s *socket) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets[s] = struct{}{}
	c.start()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.sockets, s)
	}
}

func (c *clock) start() {
	if c.gone != nil || c.ctx.Err() != nil {
		return
	}
	c.gone = make(chan struct{})
	go c.run()
}

// stop ends the goroutine and waits for it.
func (c *clock) stop() {
	c.mu.Lock()
	c.cancel()
	gone := c.gone
	c.mu.Unlock()
	if gone != nil {
		<-gone
	}
}

func (c *clock) run() {
	defer close(c.gone)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case now := <-t.C:
			c.compare(c.ctx)
			for _, s := range c.connected() {
				s.tick(now)
			}
		}
	}
}

func (c *clock) connected() []*socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*socket, 0, len(c.sockets))
	for s := range c.sockets {
		all = append(all, s)
	}
	return all
}

// compare tells every follower how far its thread has come: a lost hint costs at most a tick.
func (c *clock) compare(ctx context.Context) {
	threads := c.followed()
	ids := make([]reeve.ThreadID, 0, min(len(threads), headsChunk))
	for id := range threads {
		if ids = append(ids, id); len(ids) == headsChunk {
			c.compareSome(ctx, ids, threads)
			ids = ids[:0]
		}
	}
	if len(ids) > 0 {
		c.compareSome(ctx, ids, threads)
	}
}

func (c *clock) followed() map[reeve.ThreadID][]*follower {
	c.mu.Lock()
	defer c.mu.Unlock()
	threads := make(map[reeve.ThreadID][]*follower, len(c.followers))
	for f := range c.followers {
		threads[f.on.thread] = append(threads[f.on.thread], f)
	}
	return threads
}

func (c *clock) compareSome(ctx context.Context, ids []reeve.ThreadID, threads map[reeve.ThreadID][]*follower) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	heads, err := c.log.Heads(ctx, ids)
	if err != nil {
		// The next tick looks again; whoever reads is told by his own read.
		c.missed()
		c.logger.Debug("look at the heads of followed threads", "threads", len(ids), "error", err)
		return
	}
	for _, id := range ids {
		head, there := heads[id]
		for _, f := range threads[id] {
			if there {
				f.box.known(head)
			} else {
				f.box.vanished()
			}
		}
	}
}
