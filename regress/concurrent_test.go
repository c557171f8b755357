package regress

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/server"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/wire"
)

// Concurrent agent execution: many agents at once, and no illegal state.

const (
	together  = 200 // runs at once
	perSocket = 10  // of them on one socket
	branches  = 2   // of each run
)

// writers is a supervisor whose sub-agents write to the author's own database.
func writers(pool session.Pool[*sessionsql.Tx]) *agent.Agent[int, int] {
	writer := agent.New("writer", func(ctx agent.Context, n int) (int, error) {
		return agent.Tx(ctx, "write", pool, func(ctx context.Context, tx *sessionsql.Tx) (int, error) {
			return n, note(ctx, tx, "%s", agent.Key(ctx))
		})
	})
	return agent.New("writers", func(ctx agent.Context, n int) (int, error) {
		if _, err := agent.Step(ctx, "before", func(context.Context) (int, error) { return n, nil }); err != nil {
			return 0, err
		}
		wrote, err := agent.Parallel(ctx, writer, []int{n, n + 1})
		if err != nil {
			return 0, err
		}
		return agent.Step(ctx, "after", func(context.Context) (int, error) { return wrote[0] + wrote[1], nil })
	})
}

// TestManyRunsAtOnce has 200 runs share four connections to the log and four to the author's
// database.
func TestManyRunsAtOnce(t *testing.T) {
	db, pool := database(t)
	h := openWith(t, server.Config{Agents: []agent.Runnable{writers(pool)}, Pool: poolSize})
	refused := session.Stats().Refused
	watch := watchConnections(h)

	var sockets errgroup.Group
	for first := 0; first < together; first += perSocket {
		s := dial(t, h.url)
		defer s.drop()
		sockets.Go(func() error { return startAndFollow(s, first) })
	}
	if err := sockets.Wait(); err != nil {
		t.Error(err)
	}
	most := watch()

	if diff := since(refused, session.Stats().Refused); len(diff) > 0 {
		t.Errorf("uses of sessions were refused: %v", diff)
	}
	if n := notes(t, pool); n != branches*together {
		t.Errorf("%d notes, want %d: each branch writes once", n, branches*together)
	}
	if stats := db.Stats(); stats.OpenConnections > poolSize {
		t.Errorf("the author's database has %d connections", stats.OpenConnections)
	}
	if most < 1 || most > poolSize {
		t.Errorf("the server had up to %d connections to its file, with a pool of %d", most, poolSize)
	}
}

// startAndFollow starts runs on one socket and reads until all of them have completed.
func startAndFollow(s *socket, first int) error {
	for n := first; n < first+perSocket; n++ {
		id := fmt.Sprint(n)
		if err := s.trySend(map[string]any{"type": wire.TypeStart, "id": id, "agent": "writers", "input": n}); err != nil {
			return err
		}
	}
	for ended := 0; ended < perSocket; {
		f, err := s.read()
		switch {
		case err != nil:
			return fmt.Errorf("after %d of %d ends: %w", ended, perSocket, err)
		case f.Type == wire.TypeError:
			return fmt.Errorf("start %s: %s", f.ID, f.Problem.Detail)
		case f.Type != wire.TypeEntry || !f.Entry.Kind.Ends():
		case f.Entry.Kind != reeve.KindRunCompleted:
			return fmt.Errorf("run %s: %s %s", f.Entry.Run, f.Entry.Kind, f.Entry.Data)
		default:
			ended++
		}
	}
	return nil
}

// watchConnections counts the server's connections to its file until it is stopped, and says how many
// there were at most. Each has opened the file once, whatever the pool believes.
func watchConnections(h *house) (stop func() int) {
	done := make(chan struct{})
	most := 0
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			most = max(most, descriptors(h.file))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() int {
		close(done)
		watching.Wait()
		return most
	}
}

// descriptors is how often this process has the file open.
func descriptors(file string) (n int) {
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, fd := range open {
		if to, err := os.Readlink(fd); err == nil && to == file {
			n++
		}
	}
	return n
}

// since is what has been counted beyond before.
func since(before, after map[session.Rule]uint64) map[session.Rule]uint64 {
	after = maps.Clone(after)
	maps.DeleteFunc(after, func(r session.Rule, n uint64) bool { return n == before[r] })
	return after
}
