package server_test

import (
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// TestReadyzTellsTheTruth: another program locks the database against writers, and lets go of it.
func TestReadyzTellsTheTruth(t *testing.T) {
	cfg := config(t, hello)
	s := start(t, cfg)
	unlock := lockDatabase(t, filepath.Join(cfg.DataDir, "reeve.db"))
	var ready, health wire.Health
	s.becomes("/readyz", http.StatusServiceUnavailable, &ready)
	if reason := ready.Checks["ready"].Reason; reason == "" {
		t.Error("readyz does not say why")
	}
	s.becomes("/health", http.StatusServiceUnavailable, &health)
	if c := health.Checks["store"]; c.OK || !strings.Contains(c.Reason, "cannot be written") {
		t.Errorf("health says %+v", c)
	}
	if status := s.do("GET", "/livez", "", nil); status != http.StatusOK {
		t.Errorf("livez: %d", status)
	}
	unlock()
	s.becomes("/readyz", http.StatusOK, nil)
	s.becomes("/health", http.StatusOK, nil)
	var run reeve.Run
	if s.do("POST", "/v1/runs?wait=30s", `{"agent":"hello","input":{"text":"you"}}`, &run); run.Status != reeve.StatusCompleted {
		t.Errorf("afterwards a run is %s", run.Status)
	}
}

// lockDatabase holds the file's write lock, as a forgotten transaction in a shell does.
func lockDatabase(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 10000"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// becomes asks until the answer has the status.
func (r *caller) becomes(path string, want int, into any) {
	r.t.Helper()
	end := time.Now().Add(time.Minute)
	for r.do("GET", path, "", into) != want {
		if time.Now().After(end) {
			r.t.Fatalf("%s does not become %d", path, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestStartAndStopAgainAndAgain(t *testing.T) {
	cfg := config(t, hello)
	for i := range 10 {
		s := start(t, cfg)
		if status := s.do("POST", "/v1/runs", `{"agent":"hello","input":{"text":"you"}}`, nil); status != http.StatusCreated {
			t.Fatalf("status %d", status)
		}
		if i%3 == 0 {
			s.Halt()
		}
		s.stop()
		s.wait()
	}
}
