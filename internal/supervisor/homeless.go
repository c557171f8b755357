package supervisor

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// homelessBound is how many runs of each status a look for homeless ones goes through, the newest.
const homelessBound = 1000

// Homeless is the runs that no node can take, because none has their agent: a run of each
// such agent, and how many there are among the newest thousand of each status that has not ended.
type Homeless struct {
	Agent string
	First reeve.RunID // the newest
	Runs  int
}

// Homeless looks for runs whose agent no node has. A store that one process holds has one node: this.
func (s *Supervisor) Homeless(ctx context.Context) ([]Homeless, error) {
	var found []Homeless
	at := map[string]int{}
	for _, status := range []reeve.Status{reeve.StatusQueued, reeve.StatusRunning, reeve.StatusWaiting} {
		runs, err := s.cfg.Journal.Runs(ctx, journal.RunQuery{Status: status, Limit: homelessBound})
		if err != nil {
			return nil, err
		}
		for i := range runs {
			if s.Has(runs[i].Agent) {
				continue
			}
			n, known := at[runs[i].Agent]
			if !known {
				n, at[runs[i].Agent] = len(found), len(found)
				found = append(found, Homeless{Agent: runs[i].Agent, First: runs[i].ID})
			}
			found[n].Runs++
		}
	}
	return found, nil
}
