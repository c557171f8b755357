package regress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// follower reads a run's entries over sockets that break, and comes back with its position.
type follower struct {
	t        testing.TB
	url      string
	run      reeve.RunID
	after    int64
	epoch    int64
	attempts []int // of run.started, as they came
	entries  []reeve.Entry
}

var errHole = errors.New("not what follows")

// follow reads to the run's end, however often the socket breaks. The server may be away for a while.
func (f *follower) follow(ctx context.Context) error {
	for {
		ended, err := f.once(ctx)
		switch {
		case ended:
			return nil
		case errors.Is(err, errHole):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("follower of %s at %d: %w (last: %w)", f.run, f.after, context.Cause(ctx), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// once follows on one socket for as long as it holds.
func (f *follower) once(ctx context.Context) (ended bool, err error) {
	s, err := tryDial(f.t, f.url)
	if err != nil {
		return false, err
	}
	defer s.drop()
	unhook := context.AfterFunc(ctx, s.drop)
	defer unhook()
	if err := s.trySend(f.request()); err != nil {
		return false, err
	}
	for {
		got, err := s.read()
		switch {
		case err != nil:
			return false, err
		case got.Type == wire.TypeEntry:
			if err := f.take(got.Entry); err != nil {
				return false, err
			}
			if got.Entry.Kind.Ends() {
				return true, nil
			}
		case got.Type == wire.TypeReset:
			return false, fmt.Errorf("%w: reset (%s) at %d of %s", errHole, got.Reason, f.after, f.run)
		case got.Type == wire.TypeError && got.Problem.Code != reeve.CodeUnavailable && got.Problem.Code != reeve.CodeRateLimited:
			return false, fmt.Errorf("%w: refused: %s", errHole, got.Problem.Detail)
		}
	}
}

func (f *follower) request() map[string]any {
	request := map[string]any{"type": wire.TypeFollow, "id": "f", "run": f.run, "after": f.after}
	if f.epoch != 0 {
		request["epoch"] = f.epoch
	}
	return request
}

// take checks that the entry is the one after the last.
func (f *follower) take(e reeve.Entry) error {
	if e.First != f.after+1 || f.epoch != 0 && e.Epoch != f.epoch {
		return fmt.Errorf("%w: after %d:%d of %s came %d:%d to %d", errHole, f.epoch, f.after, f.run, e.Epoch, e.First, e.Seq)
	}
	f.after, f.epoch = e.Seq, e.Epoch
	f.entries = append(f.entries, e)
	if e.Kind == reeve.KindRunStarted {
		var started reeve.RunStarted
		if err := json.Unmarshal(e.Data, &started); err != nil {
			return fmt.Errorf("%w: %s: %w", errHole, e.Data, err)
		}
		f.attempts = append(f.attempts, started.Attempt)
	}
	return nil
}
