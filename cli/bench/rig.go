package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/bus"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/internal/supervisor"
)

// rig is reeve without its gateway: store, journal, hints, supervisor.
type rig struct {
	store   *sqlite.Store
	journal *journal.Journal
	bus     *bus.Bus
	sup     *supervisor.Supervisor
	stop    context.CancelFunc
	ended   chan error
}

// startBound is how long a rig may take to take up work.
const startBound = 30 * time.Second

// openRig starts one in the folder; close stops it.
func openRig(ctx context.Context, dir string, pool int) (*rig, error) {
	quiet := slog.New(slog.DiscardHandler)
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "reeve.db"), Readers: pool - 1, Logger: quiet})
	if err != nil {
		return nil, err
	}
	r := &rig{store: store, bus: bus.New(), ended: make(chan error, 1)}
	r.journal = journal.New(store, journal.Config{Publisher: r.bus, Logger: quiet})
	r.sup, err = supervisor.New(supervisor.Config{
		Journal: r.journal, Hints: r.bus, Logger: quiet, Agents: []agent.Runnable{stepper, timed, waiter}, Grace: time.Millisecond,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	go func() { r.ended <- r.run(running) }()
	return r, r.ready(ctx)
}

// run works until ctx ends: the journal outlives the supervisor, which writes to the last.
func (r *rig) run(ctx context.Context) error {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan error, 1)
	go func() { written <- r.journal.Run(writing) }()
	err := r.sup.Run(ctx)
	stop()
	return errors.Join(err, <-written)
}

// ready waits until the supervisor has joined.
func (r *rig) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	for r.sup.Node() == "" {
		select {
		case err := <-r.ended:
			r.ended <- err
			return errors.Join(fmt.Errorf("start: %w", err), r.close())
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), r.close())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

func (r *rig) close() error {
	r.stop()
	return errors.Join(<-r.ended, r.store.Close())
}

// once runs an agent on a thread of its own and returns when the end of its run is durable.
func (r *rig) once(ctx context.Context, agent string, in plan) (json.RawMessage, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	thread := reeve.ThreadID(uuid.Must(uuid.NewV7()).String())
	var said reeve.MessageAdded
	end := make(chan reeve.Entry, 1)
	cancel := r.bus.Subscribe(thread, func(_ int64, entries []reeve.Entry) {
		for i := range entries {
			switch e := &entries[i]; {
			case e.Kind == reeve.KindMessageAdded: // the last one is the result
				_ = json.Unmarshal(e.Data, &said)
			case e.Kind.Ends():
				end <- *e
			}
		}
	})
	defer cancel()
	accept := &journal.Accept{Thread: thread, Create: true, Owner: "local", Agent: agent, Input: raw, OnBusy: reeve.Enqueue}
	if _, err := r.sup.Accept(ctx, accept); err != nil {
		return nil, err
	}
	select {
	case e := <-end:
		if e.Kind != reeve.KindRunCompleted {
			return nil, fmt.Errorf("run of %s ended with %s: %s", agent, e.Kind, e.Data)
		}
		return said.Content, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
