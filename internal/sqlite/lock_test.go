package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/sqlite"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	holderIs(t, dir, "", false)
	lock, err := sqlite.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	holderIs(t, dir, "", true)
	secondIsRefused(t, dir, "another reeve is using")
	if err := lock.SetAddress("http://127.0.0.1:8000"); err != nil {
		t.Fatal(err)
	}
	if err := lock.SetAddress("http://127.0.0.1:80"); err != nil { // a shorter one leaves nothing of the longer
		t.Fatal(err)
	}
	holderIs(t, dir, "http://127.0.0.1:80", true)
	secondIsRefused(t, dir, "held by the server at http://127.0.0.1:80: use that one (--url http://127.0.0.1:80)")
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	holderIs(t, dir, "", false)
	again, err := sqlite.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	holderIs(t, dir, "", true) // the dead server's address is not this one's
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func holderIs(t *testing.T, dir, wantAddress string, wantHeld bool) {
	t.Helper()
	address, held, err := sqlite.Holder(dir)
	if err != nil || address != wantAddress || held != wantHeld {
		t.Errorf("holder is %q, %v, %v; want %q, %v", address, held, err, wantAddress, wantHeld)
	}
}

func secondIsRefused(t *testing.T, dir, want string) {
	t.Helper()
	_, err := sqlite.Acquire(dir)
	if reeve.CodeOf(err) != reeve.CodeConflict || !strings.Contains(err.Error(), want) {
		t.Errorf("a second lock: %v; want a conflict with %q", err, want)
	}
}

// Asking who holds the directory must not keep a server from starting.
func TestLockIsTakenWhileOthersAsk(t *testing.T) {
	dir := t.TempDir()
	done := make(chan struct{})
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, _, err := sqlite.Holder(dir); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		lock, err := sqlite.Acquire(dir)
		if err != nil {
			t.Error(err)
			break
		}
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	askers.Wait()
}

func TestLockInReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Acquire(dir); reeve.CodeOf(err) != reeve.CodeUnavailable {
		t.Errorf("lock in a read-only directory: %v", err)
	}
}
