package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
)

// smallDisk is a file system of its own with room for so many megabytes.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("a small disk needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// A disk that is really full: errors that say so, reads that go on, and nothing lost or
// torn once there is room again.
func TestReallyFullDisk(t *testing.T) {
	dir := smallDisk(t, 4)
	ballast := filepath.Join(dir, "ballast")
	check(t, os.WriteFile(ballast, make([]byte, 2<<20), 0o600))
	path := filepath.Join(dir, "reeve.db")
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	check(t, err)
	defer func() { check(t, s.Close()) }()

	h := claimMany(t, s, 1)[0]
	landed, full := fillDisk(t, s, h)
	if full == nil || !strings.Contains(full.Error(), "full") {
		t.Fatalf("commit on a full disk: %v", full)
	}
	if _, coded := errors.AsType[*reeve.Error](full); coded {
		t.Errorf("a full disk is the database's trouble, not a decision: %v", full)
	}
	if _, err := s.Thread(t.Context(), h.claimed.Run.Thread); err != nil {
		t.Errorf("read on a full disk: %v", err)
	}
	refusesToOpen(t, dir)

	check(t, os.Remove(ballast))
	commitAll(t, s, []journal.Op{bigStep(h)})
	if _, err := s.Check(t.Context()); err != nil {
		t.Errorf("check once there is room: %v", err)
	}
	entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: h.claimed.Run.Thread, After: 3, Limit: 10_000})
	check(t, err)
	if len(entries) != landed+1 {
		t.Errorf("%d steps are in the log, %d were answered", len(entries), landed+1)
	}
}

// fillDisk commits until an error comes; it is the same again at the second try.
func fillDisk(t *testing.T, s *sqlite.Store, h *holder) (landed int, err error) {
	t.Helper()
	for range 1000 {
		op := bigStep(h)
		if _, err := s.Commit(t.Context(), []journal.Op{op}); err != nil {
			h.number--
			_, again := s.Commit(t.Context(), []journal.Op{op})
			if again == nil {
				t.Error("the same commit succeeds at once, with no more room")
			}
			return landed, err
		}
		landed++
	}
	return landed, nil
}

func bigStep(h *holder) *journal.Append {
	op := h.step()
	op.Entries[0].Data = []byte(`"` + strings.Repeat("x", 100_000) + `"`)
	return op
}

// refusesToOpen says that a server does not start where it could not write.
func refusesToOpen(t *testing.T, dir string) {
	t.Helper()
	for name := range 1000 { // the last free pages
		if os.WriteFile(filepath.Join(dir, fmt.Sprintf("ballast-%d", name)), make([]byte, 4096), 0o600) != nil {
			break
		}
	}
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "second.db")})
	if reeve.CodeOf(err) != reeve.CodeUnavailable || !strings.Contains(err.Error(), "full") {
		t.Errorf("open on a full disk: %v", err)
	}
}
