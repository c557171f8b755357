package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/reeve-run/reeve"
)

// Publisher is told of every commit, after it. What it is told is a hint: losing it
// costs latency, never correctness. Its methods must not block.
type Publisher interface {
	// Publish says that the thread's log now reaches last; entries is what the commit added.
	Publish(thread reeve.ThreadID, last int64, entries []reeve.Entry)
	// Runnable says that some thread can be claimed.
	Runnable()
}

// Config is what a Journal can be told. The zero value of each field is its default.
type Config struct {
	Lanes      int // commits that may be at the database at once; 1 for a store with one writer
	MaxRows    int // rows in a batch; 1,000
	MaxBytes   int // bytes in a batch; 8 MiB
	MaxPending int // bytes that wait in one lane before writers wait; 64 MiB
	MaxEntry   int // bytes of one entry's data; reeve.MaxEntry
	Publisher  Publisher
	Redact     func(reeve.Kind, json.RawMessage) json.RawMessage // sees the data of every entry before it is stored; what it gives must be JSON of the same shape
	Logger     *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Lanes = orDefault(c.Lanes, 1)
	c.MaxRows = orDefault(c.MaxRows, 1000)
	c.MaxBytes = orDefault(c.MaxBytes, 8<<20)
	c.MaxPending = orDefault(c.MaxPending, 64<<20)
	c.MaxEntry = orDefault(c.MaxEntry, reeve.MaxEntry)
	if c.Publisher == nil {
		c.Publisher = silent{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}

type silent struct{}

func (silent) Publish(reeve.ThreadID, int64, []reeve.Entry) {}
func (silent) Runnable()                                    {}

// Journal takes writes and gathers them. It is safe for concurrent use. Writes are
// answered only while Run runs.
type Journal struct {
	Claimer
	Reader
	Members
	Keeper

	store Store
	cfg   Config
	lanes []*lane
	seed  maphash.Seed
	stats Stats
}

// New makes a journal over a store; the caller keeps the store and closes it after Run has returned.
func New(store Store, cfg Config) *Journal {
	cfg = cfg.withDefaults()
	j := &Journal{Claimer: store, Reader: store, Members: store, Keeper: store, store: store, cfg: cfg, seed: maphash.MakeSeed()}
	for range cfg.Lanes {
		j.lanes = append(j.lanes, newLane(j))
	}
	return j
}

// Run works the lanes until ctx ends. What is still waiting then is answered with CodeUnavailable.
func (j *Journal) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, l := range j.lanes {
		g.Go(func() error { l.run(ctx); return nil })
	}
	return g.Wait()
}

// lane is the thread's: always the same one.
func (j *Journal) lane(thread reeve.ThreadID) *lane {
	if len(j.lanes) == 1 {
		return j.lanes[0]
	}
	return j.lanes[maphash.String(j.seed, string(thread))%uint64(len(j.lanes))]
}

// Do hands in an op from outside (Accept, Answer, Cancel, Retry) and waits until it is
// durable or refused. While the database has trouble it is CodeUnavailable after a few
// seconds: the op may then still have landed, and the same op again is answered
// rightly. A ctx that ends leaves the op where it is.
func (j *Journal) Do(ctx context.Context, op Op) (Result, error) {
	if err := j.checkOutside(op); err != nil {
		return Result{}, err
	}
	l := j.lane(op.On())
	it := newItem(ctx, op)
	if err := l.admit(ctx, it); err != nil {
		return Result{}, err
	}
	l.push(it)
	return it.wait(ctx)
}

// checkOutside bounds and redacts what comes from outside.
func (j *Journal) checkOutside(op Op) error {
	switch o := op.(type) {
	case *Accept:
		return errors.Join(j.redactInput(o), j.checkSize(label("input"), len(o.Input)))
	case *Answer:
		return errors.Join(j.redactAnswer(o), j.checkSize(label("answer"), len(o.Value)))
	case *Cancel:
		return j.redactReason(o)
	}
	return nil
}

// MaxEntry is how many bytes the data of one entry may have.
func (j *Journal) MaxEntry() int { return j.cfg.MaxEntry }

func (j *Journal) checkSize(what fmt.Stringer, n int) error {
	if n > j.cfg.MaxEntry {
		return reeve.Errorf(reeve.CodeTooLarge, "%s has %d bytes: an entry holds at most %d", what, n, j.cfg.MaxEntry)
	}
	return nil
}

// label names a value in an error.
type label string

func (l label) String() string { return string(l) }
