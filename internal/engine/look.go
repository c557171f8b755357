package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// States is what each live agent of the tree does just now, parents first. It is
// empty before Run has begun and after it has returned.
func (x *Execution) States() []State {
	x.mu.Lock()
	branches := make([]*branch, 0, len(x.live))
	for b := range x.live {
		branches = append(branches, b)
	}
	ended := x.ended
	x.mu.Unlock()
	states := make([]State, len(branches))
	for i, b := range branches {
		states[i] = b.state()
		states[i].Ended = ended
	}
	slices.SortFunc(states, func(a, b State) int { return cmp.Compare(a.Path, b.Path) })
	return states
}

func (b *branch) state() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return State{
		Path: b.path, Agent: b.agent, Doing: b.doing, What: b.what,
		Since: b.since, Sign: b.sign, Stream: b.stream, Until: b.until, Stall: b.stall,
		Try: b.try, Attempt: b.x.claim.Run.Attempt, Units: b.units.Open(),
	}
}

// Claim is the claim that the execution works under.
func (x *Execution) Claim() journal.Claimed { return x.claim }

// Stalled writes run.stalled for an agent, without waiting for it to be durable.
func (x *Execution) Stalled(s State, reason string) {
	x.background(func() {
		if x.owner == nil || x.ctx.Err() != nil {
			return
		}
		path := s.Path
		if s.What != "" {
			path = s.What
		}
		data := reeve.RunStalled{Reason: reason, SilentMS: s.Silent(now()).Milliseconds(), BoundMS: s.Stall.Milliseconds()}
		d := x.draft(reeve.KindRunStalled, path, marshal(data))
		d.Try = s.Try
		// The watch must not wait for a full lane: that may be what has stalled.
		if ok, err := x.owner.TryHand(d); !ok {
			x.log().Warn("run.stalled was not written", "path", path, "err", err)
		}
	})
}

// readMessages reads the thread's messages up to the run's input, once.
func (x *Execution) readMessages() ([]reeve.Message, error) {
	x.mu.Lock()
	known := x.messages
	x.mu.Unlock()
	if known != nil {
		return known, nil
	}
	messages := []reeve.Message{}
	q := journal.EntryQuery{Thread: x.claim.Run.Thread, Kinds: []reeve.Kind{reeve.KindMessageAdded}}
	for e, err := range x.cfg.Journal.All(x.ctx, q) { // not bounded by the author's context: it is no operation
		if err != nil {
			return nil, fmt.Errorf("read the messages of thread %s: %w", x.claim.Run.Thread, err)
		}
		if e.Seq > x.claim.InputSeq {
			break
		}
		var m reeve.MessageAdded
		if err := unmarshal(&e, &m); err != nil {
			return nil, err
		}
		messages = append(messages, reeve.Message{Seq: e.Seq, Run: e.Run, Role: m.Role, Content: m.Content, At: e.At})
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.messages = messages
	return messages, nil
}
