package server

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/supervisor"
	"github.com/reeve-run/reeve/wire"
)

const (
	checkBound    = 2 * time.Second  // for the store to show that it can be written and read
	checkAge      = time.Second      // how old an answer may be
	homelessAge   = 10 * time.Second // likewise of the look for runs that no node can take
	leastDisk     = 32 << 20         // bytes; below, the log may be refused at any moment
	statusHealthy = "healthy"
)

// health answers /health and /readyz. A probe a second costs the store one check, however many ask.
type health struct {
	s     *Server
	store remembered[map[string]string]
	homes remembered[[]supervisor.Homeless]
}

func newHealth(s *Server) *health {
	return &health{
		s:     s,
		store: remembered[map[string]string]{age: checkAge, ask: func(ctx context.Context) (map[string]string, error) { return s.store.Check(ctx) }},
		homes: remembered[[]supervisor.Homeless]{age: homelessAge, ask: s.runs.Homeless},
	}
}

// remembered asks at most once in its age; those who come meanwhile wait for the same answer.
type remembered[T any] struct {
	age time.Duration
	ask func(context.Context) (T, error)

	mu    sync.Mutex
	at    time.Time
	value T
	err   error
}

// answer is bounded by checkBound. It does not hang on the caller's context, because others share it.
func (r *remembered[T]) answer() (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < r.age {
		return r.value, r.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkBound)
	defer cancel()
	r.value, r.err = r.ask(ctx)
	r.at = time.Now()
	return r.value, r.err
}

// Health is the body of /health.
func (h *health) Health(context.Context) wire.Health {
	store, told := h.checkStore()
	checks := map[string]wire.Check{
		"store":  store,
		"lease":  h.checkLease(),
		"agents": h.checkAgents(),
		"server": h.checkServer(),
	}
	if store.OK { // else nothing is known of the disk but what the store complains about
		checks["disk"] = checkDisk(told)
	}
	status := statusHealthy
	for _, c := range checks {
		if !c.OK {
			status = "unhealthy"
		}
	}
	return wire.Health{Status: status, Version: h.s.cfg.Version, Checks: checks}
}

// Ready says why no work can be taken just now; nil when it can.
func (h *health) Ready() error {
	for _, c := range []wire.Check{h.checkServer(), h.checkLease()} {
		if !c.OK {
			return reeve.Errorf(reeve.CodeUnavailable, "%s", c.Reason)
		}
	}
	if store, _ := h.checkStore(); !store.OK {
		return reeve.Errorf(reeve.CodeUnavailable, "%s", store.Reason)
	}
	return nil
}

func (h *health) checkServer() wire.Check {
	if h.s.draining.Load() {
		return wire.Check{Reason: "the server is stopping"}
	}
	return wire.Check{OK: true, Info: map[string]string{"runs_in_flight": strconv.Itoa(h.s.runs.InFlight())}}
}

func (h *health) checkStore() (wire.Check, map[string]string) {
	told, err := h.store.answer()
	if err != nil {
		return wire.Check{Reason: fmt.Sprintf("the store cannot be written and read: %v", err)}, nil
	}
	return wire.Check{OK: true, Info: told}, told
}

// checkDisk reads what the store tells of its disk; a store that tells nothing has nothing to fear.
func checkDisk(told map[string]string) wire.Check {
	free, err := strconv.ParseUint(told["disk_free"], 10, 64)
	switch {
	case err != nil:
		return wire.Check{OK: true}
	case free < leastDisk:
		return wire.Check{Reason: fmt.Sprintf("only %d bytes of the disk are free: make room, or shorten the retention", free)}
	}
	return wire.Check{OK: true, Info: map[string]string{"free_bytes": told["disk_free"]}}
}

func (h *health) checkLease() wire.Check {
	select {
	case <-h.s.runs.Joined():
	default:
		return wire.Check{Reason: "the node has not joined yet"}
	}
	age, good := h.s.runs.Lease()
	info := map[string]string{"node": string(h.s.runs.Node()), "beat_age_ms": strconv.FormatInt(age.Milliseconds(), 10)}
	if !good {
		return wire.Check{Reason: fmt.Sprintf("no beat of the node has gone through for %s: the store does not take writes in time", age.Round(time.Millisecond)), Info: info}
	}
	return wire.Check{OK: true, Info: info}
}

// checkAgents names runs that nobody can take. The server itself is well all the same: to start it again
// would not help them.
func (h *health) checkAgents() wire.Check {
	homeless, err := h.homes.answer()
	if err != nil {
		return wire.Check{OK: true, Reason: fmt.Sprintf("runs could not be looked through: %v", err)}
	}
	if len(homeless) == 0 {
		return wire.Check{OK: true}
	}
	info := map[string]string{}
	for _, l := range homeless {
		info[l.Agent] = fmt.Sprintf("runs that wait for a node with this agent: %d, the newest %s", l.Runs, l.First)
	}
	return wire.Check{OK: true, Reason: "some runs have an agent that no node has: start a node with it, or cancel them", Info: info}
}
