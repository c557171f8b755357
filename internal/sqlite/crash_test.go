package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
)

// crashDir tells a process of this test binary that it is the one to be killed.
const crashDir = "REEVE_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

const crashThreads = 20

// writeUntilKilled is the child: it takes what the one before left, appends to all of it
// in batches, and reports each position once its commit was answered.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	if _, err := sqlite.Acquire(dir); err != nil {
		return err
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "reeve.db")})
	if err != nil {
		return err
	}
	holders, err := takeAll(ctx, s)
	if err != nil {
		return err
	}
	for {
		if err := reportBatch(ctx, s, holders); err != nil {
			return err
		}
	}
}

// takeAll claims every thread, as a new node does after a crash.
func takeAll(ctx context.Context, s *sqlite.Store) ([]*holder, error) {
	node := reeve.NodeID(fmt.Sprintf("node-%d", os.Getpid()))
	if err := s.Join(ctx, journal.Node{ID: node}); err != nil {
		return nil, err
	}
	for i := range crashThreads {
		// One commit a thread, so that a kill also falls among these.
		a := accept(reeve.ThreadID(fmt.Sprintf("t%d", i)))
		a.Key = "once"
		if _, err := s.Commit(ctx, []journal.Op{a}); err != nil {
			return nil, err
		}
	}
	claimed, err := s.Claim(ctx, journal.ClaimQuery{Node: node, Agents: []string{"echo"}, Limit: 1000})
	if err != nil {
		return nil, err
	}
	if len(claimed) != crashThreads {
		return nil, fmt.Errorf("%d threads were free, want %d", len(claimed), crashThreads)
	}
	var holders []*holder
	for _, c := range claimed {
		holders = append(holders, &holder{claimed: c})
	}
	return holders, nil
}

func reportBatch(ctx context.Context, s *sqlite.Store, holders []*holder) error {
	batch := make([]journal.Op, 0, 2*len(holders))
	for _, h := range holders[rand.IntN(len(holders)):] {
		batch = append(batch, h.step(), h.step())
	}
	results, err := s.Commit(ctx, batch)
	if err != nil {
		return err
	}
	var report strings.Builder
	for _, res := range results {
		if res.Err != nil {
			return res.Err
		}
		e := res.Entries[0]
		fmt.Fprintf(&report, "%s %d %d %s\n", e.Thread, e.Epoch, e.Seq, e.Path)
	}
	_, err = os.Stdout.WriteString(report.String())
	return err
}

// durable is what a child has reported: for each thread, the path at each position.
type durable map[reeve.ThreadID]map[int64]string

// Killed at any moment, nothing that was answered is missing, and no position is twice.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	told := durable{}
	for round := range 12 {
		killOne(t, dir, told)
		lock, err := sqlite.Acquire(dir) // the dead hold no lock
		if err != nil {
			t.Fatal(err)
		}
		verify(t, filepath.Join(dir, "reeve.db"), told)
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", round+1)
		}
	}
	positions := 0
	for _, seqs := range told {
		positions += len(seqs)
	}
	if positions == 0 {
		t.Error("no child came as far as to report a position")
	}
}

// killOne lets a child write for a random while after its first report, or not even that long.
func killOne(t *testing.T, dir string, told durable) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	var trouble strings.Builder
	child.Stderr = &trouble
	out, err := child.StdoutPipe()
	check(t, err)
	check(t, child.Start())
	lines := bufio.NewScanner(out)
	early := rand.IntN(4) == 0
	if early {
		time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = child.Process.Kill() })
	}
	for n := 0; lines.Scan(); n++ {
		told.note(t, lines.Text())
		if n == 0 && !early {
			time.AfterFunc(rand.N(100*time.Millisecond), func() { _ = child.Process.Kill() })
		}
	}
	_ = child.Wait() // "signal: killed", as it must be
	if trouble.Len() > 0 {
		t.Errorf("the child stopped by itself: %s", trouble.String())
	}
}

// note takes one report. A line cut off by the kill was not told.
func (d durable) note(t *testing.T, line string) {
	t.Helper()
	var thread reeve.ThreadID
	var epoch, seq int64
	var path string
	if n, _ := fmt.Sscanf(line, "%s %d %d %s", &thread, &epoch, &seq, &path); n != 4 || !strings.Contains(path, "#") {
		return
	}
	if d[thread] == nil {
		d[thread] = map[int64]string{}
	}
	if before, twice := d[thread][seq]; twice {
		t.Errorf("thread %s: position %d was given to %s and to %s", thread, seq, before, path)
	}
	d[thread][seq] = path
}

func verify(t *testing.T, path string, told durable) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	check(t, err)
	defer func() { check(t, s.Close()) }()
	for thread, want := range told {
		found := 0
		next := int64(1)
		for {
			entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: thread, After: next - 1, Limit: 1000})
			check(t, err)
			if len(entries) == 0 {
				break
			}
			for _, e := range entries {
				if e.Seq != next {
					t.Fatalf("thread %s: position %d after %d", thread, e.Seq, next-1)
				}
				if p, reported := want[e.Seq]; reported {
					found++
					if !strings.HasPrefix(e.Path, p) {
						t.Errorf("thread %s: at %d stands %s, reported was %s", thread, e.Seq, e.Path, p)
					}
				}
				next++
			}
		}
		if found != len(want) {
			t.Errorf("thread %s: %d of %d reported positions are there", thread, found, len(want))
		}
	}
}
