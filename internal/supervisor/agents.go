package supervisor

import (
	"context"
	"maps"
	"slices"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/wire"
)

// enlist takes the agents in by name.
func (s *Supervisor) enlist(agents []agent.Runnable) error {
	s.agents = make(map[string]agent.Runnable, len(agents))
	for i, r := range agents {
		if r == nil {
			return reeve.Errorf(reeve.CodeInvalid, "agent number %d is nil", i+1)
		}
		if err := reeve.CheckName("name of an agent", r.Name()); err != nil {
			return err
		}
		if s.agents[r.Name()] != nil {
			return reeve.Errorf(reeve.CodeInvalid, "two agents have the name %q: give each its own", r.Name())
		}
		s.agents[r.Name()] = r
	}
	s.names = slices.Sorted(maps.Keys(s.agents))
	return nil
}

func (s *Supervisor) errUnknown(name string) error {
	return reeve.Errorf(reeve.CodeAgentUnknown, "no agent %q on this server: it has %q", name, s.names)
}

// Has says whether the node has an agent of this name.
func (s *Supervisor) Has(name string) bool { return s.agents[name] != nil }

// List is the node's agents by name, with how many runs of each are in hand here.
func (s *Supervisor) List(ctx context.Context) ([]wire.Agent, error) {
	paused, err := s.cfg.Journal.Paused(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]wire.Agent, 0, len(s.names))
	for _, name := range s.names {
		list = append(list, wire.Agent{
			Name: name, Version: s.agents[name].Version(),
			Paused: slices.Contains(paused, name), Running: s.table.running(name),
		})
	}
	return list, nil
}

// Pause stops an agent's runs from being claimed, or lets them be again. Runs in hand go on.
func (s *Supervisor) Pause(ctx context.Context, name string, paused bool) error {
	if !s.Has(name) {
		return s.errUnknown(name)
	}
	if err := s.cfg.Journal.SetPaused(ctx, name, paused); err != nil {
		return err
	}
	if !paused {
		s.rouse()
	}
	return nil
}

// InFlight is how many claims are in hand.
func (s *Supervisor) InFlight() int {
	used, _ := s.slots.state("")
	return used
}
