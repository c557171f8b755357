package supervisor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/engine"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// Beats is the three beats of each live agent of the run, parents first; nil when the run is not
// in hand here.
func (s *Supervisor) Beats(run reeve.RunID) []reeve.Beat {
	e := s.table.of(run)
	if e == nil {
		return nil
	}
	return beats(run, e.x.States(), s.lease.age())
}

func beats(run reeve.RunID, states []engine.State, node time.Duration) []reeve.Beat {
	now := time.Now()
	list := make([]reeve.Beat, len(states))
	for i := range states {
		list[i] = states[i].Beat(run, now, node)
	}
	return list
}

// Why says where a run stands and what it waits for: from its live agents when it is here, with
// their stacks, else from the log. It is for operators. A run that does not exist is CodeNotFound.
func (s *Supervisor) Why(ctx context.Context, run reeve.RunID) (wire.Why, error) {
	r, err := s.cfg.Journal.Reader.Run(ctx, run)
	if err != nil {
		return wire.Why{}, err
	}
	w := wire.Why{Run: run, Status: r.Status}
	if err := s.whyCancel(ctx, &w); err != nil {
		return wire.Why{}, err
	}
	if e := s.table.of(run); e != nil && s.whyHere(e, &w) {
		return w, nil
	}
	return w, s.whyGone(ctx, &r, &w)
}

// whyCancel finds when the run was asked to end, if it was and has not.
func (s *Supervisor) whyCancel(ctx context.Context, w *wire.Why) error {
	if w.Status.Ended() {
		return nil
	}
	asked, err := s.last(ctx, w.Run, reeve.KindCancelRequested)
	if err == nil && asked != nil {
		w.Cancel = &asked.At
	}
	return err
}

// last is the run's last entry of a kind, or nil.
func (s *Supervisor) last(ctx context.Context, run reeve.RunID, kind reeve.Kind) (*reeve.Entry, error) {
	var found *reeve.Entry
	q := journal.EntryQuery{Thread: run.Thread(), Run: run, Kinds: []reeve.Kind{kind}}
	for e, err := range s.cfg.Journal.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		found = &e
	}
	return found, nil
}

// whyHere tells of the live tree; false when nothing of it is alive just now.
func (s *Supervisor) whyHere(e *execution, w *wire.Why) bool {
	states := e.x.States()
	if len(states) == 0 {
		return false
	}
	found, now := readStacks().of(w.Run), time.Now()
	w.Node = e.term.node
	w.Beats = beats(w.Run, states, s.lease.age())
	for i := range states {
		w.Agents = append(w.Agents, agentState(&states[i], now, shown(found, states[i].Path)))
	}
	w.Summary = summary(e, states, now)
	return true
}

func agentState(st *engine.State, now time.Time, stack string) wire.AgentState {
	a := wire.AgentState{
		Path: st.Path, Agent: st.Agent, Doing: string(st.Doing), What: st.What, Since: st.Since,
		ElapsedMS: now.Sub(st.Since).Milliseconds(), Try: st.Try, Units: st.Units, Stalled: st.Stalled(now), Stack: stack,
	}
	if !st.Until.IsZero() {
		a.Until = &st.Until
	}
	return a
}

// summary is the live tree in one sentence: what it waits for are the agents that do not
// wait for another one.
func summary(e *execution, states []engine.State, now time.Time) string {
	var parts []string
	for i := range states {
		st := &states[i]
		if st.Doing == engine.InCall {
			continue
		}
		part := doing(st) + " for " + round1(now.Sub(st.Since))
		if st.Stalled(now) {
			part += ", stalled: no sign of life for " + round1(st.Silent(now))
		}
		parts = append(parts, part)
	}
	if len(parts) > 3 {
		parts = append(parts[:3], fmt.Sprintf("and %d more", len(parts)-3))
	}
	what := strings.Join(parts, "; ")
	if what == "" {
		what = "agents wait for those that they called"
	}
	if ended, why := e.ended(&states[0]); !ended.IsZero() {
		return fmt.Sprintf("It is to end because %s, %s ago, and waits until these have returned: %s.", why, round1(now.Sub(ended)), what)
	}
	return "It is running here: " + what + "."
}

func round1(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
