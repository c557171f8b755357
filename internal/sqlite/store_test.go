package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/internal/storetest"
)

func open(tb testing.TB) *sqlite.Store {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "reeve.db"))
}

func openAt(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), sqlite.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) journal.Store { return open(t) })
}
