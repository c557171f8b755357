package journal

import "sync/atomic"

// Stats counts what the journal did since it was made. It is safe to read at any time.
type Stats struct {
	Commits  atomic.Int64 // batches written
	Ops      atomic.Int64 // ops in them
	Rows     atomic.Int64 // entries in them
	Refused  atomic.Int64 // ops refused
	Troubles atomic.Int64 // commits that did not go through
	Waits    atomic.Int64 // hand-ins that waited because a lane was full
}

func (s *Stats) count(ops int, results []Result) {
	s.Commits.Add(1)
	s.Ops.Add(int64(ops))
	rows, refused := 0, 0
	for i := range results {
		rows += len(results[i].Entries)
		if results[i].Err != nil {
			refused++
		}
	}
	s.Rows.Add(int64(rows))
	s.Refused.Add(int64(refused))
}

// Stats is the journal's counters.
func (j *Journal) Stats() *Stats { return &j.stats }
