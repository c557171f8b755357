package regress

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/server"
	"github.com/reeve-run/reeve/wire"
)

// What a client sees: it may lose its socket at any entry, and misses nothing.

// talkative is a tree with text, branches and a question.
func talkative() *agent.Agent[int, string] {
	leaf := agent.New("leaf", func(ctx agent.Context, n int) (int, error) {
		return agent.Step(ctx, "say", func(ctx context.Context) (int, error) {
			return n, agent.Emit(ctx, fmt.Sprint("leaf ", n))
		})
	})
	return agent.New("talkative", func(ctx agent.Context, n int) (string, error) {
		if err := agent.Emit(ctx, "beginning\n"); err != nil {
			return "", err
		}
		in := make([]int, n)
		for i := range in {
			in[i] = i
		}
		if _, err := agent.Parallel(ctx, leaf, in); err != nil {
			return "", err
		}
		return agent.Ask(ctx, "word", agent.Question[string]{Text: "Which word?"})
	})
}

// TestTheSocketDropsAtEveryEntry drops it after each entry while the run goes on, and comes back with the
// position. What came over all the sockets together is the log.
func TestTheSocketDropsAtEveryEntry(t *testing.T) {
	h := open(t, talkative())
	s := dial(t, h.url)
	run := s.start("talkative", 5).Run
	s.drop()
	f := &follower{t: t, url: h.url, run: run}
	for ended := false; !ended; {
		e := f.oneEntry()
		if e.Kind == reeve.KindAskOpened {
			answer(h, run, "word", "fence")
		}
		ended = e.Kind.Ends()
	}
	if diff := cmp.Diff(h.log(run), f.entries); diff != "" {
		t.Fatal(diff)
	}
}

// oneEntry takes one entry over a socket of its own.
func (f *follower) oneEntry() reeve.Entry {
	f.t.Helper()
	s := dial(f.t, f.url)
	defer s.drop()
	s.send(f.request())
	e := s.next()
	if err := f.take(e); err != nil {
		f.t.Fatal(err)
	}
	return e
}

func answer(h *house, run reeve.RunID, ask string, value any) {
	h.t.Helper()
	if status := h.call("POST", "/v1/runs/"+string(run)+"/answer", map[string]any{"ask": ask, "value": value}, nil); status != 200 {
		h.t.Fatalf("answer %s: status %d", ask, status)
	}
}

// TestEveryPositionIsServed follows an ended run from each of its positions: what comes is the rest of the log.
func TestEveryPositionIsServed(t *testing.T) {
	h := open(t, talkative())
	run := h.begin("talkative", 3).ID
	eventually(t, "the question is open", func() bool {
		log := h.log(run)
		return log[len(log)-1].Kind == reeve.KindAskOpened
	})
	answer(h, run, "word", "fence")
	h.completes(run)
	log := h.log(run)
	s := dial(t, h.url)
	defer s.drop()
	for i := range log {
		s.send(map[string]any{"type": wire.TypeFollow, "id": fmt.Sprint(i), "run": run, "after": log[i].First - 1, "epoch": log[i].Epoch})
		var rest []reeve.Entry
		for len(rest) < len(log)-i {
			rest = append(rest, s.next())
		}
		if diff := cmp.Diff(log[i:], rest); diff != "" {
			t.Fatalf("after %d: %s", log[i].First-1, diff)
		}
	}
}

// TestASlowStartIsFollowed has a store that takes longer for a start than two looks of the server at the
// threads that are followed: the follower was there before its thread, which is not deleted for that.
func TestASlowStartIsFollowed(t *testing.T) {
	var first sync.Once
	slow := func(_ reeve.Kind, data json.RawMessage) json.RawMessage {
		first.Do(func() { time.Sleep(3500 * time.Millisecond) })
		return data
	}
	h := openWith(t, server.Config{Agents: []agent.Runnable{fiveSteps}, Redact: slow})
	s := dial(t, h.url)
	defer s.drop()
	s.start("five steps", nil)
	for kind := reeve.Kind(""); kind != reeve.KindRunCompleted; {
		kind = s.next().Kind
	}
}
