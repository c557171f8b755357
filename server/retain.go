package server

import (
	"context"
	"time"
)

const (
	// pruneBatch is how many runs one unit removes: writers wait for no more than that.
	pruneBatch = 100
	// prunePause is what writers have to themselves between two units.
	prunePause = 50 * time.Millisecond
	// pruneBound is for one unit.
	pruneBound = 10 * time.Second
)

// retain removes ended runs past their age, in small pieces, until ctx ends. With a day's
// retention it looks each quarter of an hour.
func (s *Server) retain(ctx context.Context) {
	if s.cfg.Retention == 0 {
		return
	}
	every := time.NewTicker(min(max(s.cfg.Retention/100, time.Second), time.Hour))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		removed, err := s.prune(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			s.cfg.Logger.Warn("old runs were not removed and are tried again", "removed", removed, "err", err)
		case removed > 0:
			s.cfg.Logger.Info("old runs were removed", "runs", removed, "retention", s.cfg.Retention)
		}
	}
}

func (s *Server) prune(ctx context.Context) (removed int, err error) {
	for ctx.Err() == nil {
		unit, cancel := context.WithTimeout(ctx, pruneBound)
		n, err := s.store.Prune(unit, time.Now().Add(-s.cfg.Retention), pruneBatch)
		cancel()
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(prunePause):
		}
	}
	return removed, nil
}
