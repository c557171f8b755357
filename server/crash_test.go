package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/server"
)

// crashDir names, in the environment of this test's child, where to serve until it is killed.
const crashDir = "REEVE_TEST_CRASH_DIR"

const crashRuns, crashSteps = 200, 20

// witnessed writes a line to a file of the step's own each time that the step runs.
func witnessed(dir string) agent.Runnable {
	return agent.New("witnessed", func(ctx agent.Context, _ text) (int, error) {
		sum := 0
		for range crashSteps {
			n, err := agent.Step(ctx, "step", func(ctx context.Context) (int, error) {
				time.Sleep(10 * time.Millisecond)
				return 1, witness(filepath.Join(dir, strings.ReplaceAll(agent.Key(ctx), "/", "_")))
			})
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return sum, nil
	})
}

func witness(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	return errors.Join(err, f.Close())
}

// serveToDie is the child's life: it tells its address and serves until it is killed, or its parent is gone.
func serveToDie(dir string) {
	s, err := server.New(context.Background(), server.Config{
		Agents: []agent.Runnable{witnessed(filepath.Join(dir, "steps"))}, Addr: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	go func() {
		<-s.Ready()
		fmt.Println(s.Addr())
	}()
	if err := s.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// victim is a server in a process of its own.
type victim struct {
	caller
	cmd   *exec.Cmd
	stdin io.Closer
}

func startVictim(t *testing.T, dir string) *victim {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v := &victim{cmd: cmd, stdin: stdin}
	t.Cleanup(v.die)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the server's process says nothing: %v", err)
	}
	v.caller = newCaller(t, strings.TrimSpace(line))
	return v
}

// die kills the process as kill -9 does, and waits for it. A second time is no harm.
func (v *victim) die() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
	_ = v.stdin.Close()
	if v.http != nil {
		v.http.CloseIdleConnections()
	}
}

// recorded is the steps that the log has, each with how often it has run until now. The server is dead.
func recorded(t *testing.T, dir string, runs []reeve.RunID) map[string]int64 {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "data", "reeve.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	defer store.Close()
	steps := map[string]int64{}
	for _, run := range runs {
		entries, err := store.Entries(t.Context(), journal.EntryQuery{Thread: run.Thread(), Limit: 1000})
		if err != nil {
			t.Fatalf("thread of an accepted run: %v", err)
		}
		for n, e := range entries {
			if e.Seq != int64(n)+1 {
				t.Fatalf("thread %s: entry %d stands at %d", e.Thread, n+1, e.Seq)
			}
			if e.Kind == reeve.KindStepCompleted {
				steps[file(run, e.Path)] = times(t, dir, file(run, e.Path))
			}
		}
	}
	return steps
}

func file(run reeve.RunID, path string) string { return string(run) + "_" + path }

func times(t *testing.T, dir, step string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "steps", step))
	if err != nil {
		t.Fatalf("a step is in the log and never ran: %v", err)
	}
	return info.Size()
}

// TestKillNine kills the server at random moments while 200 runs of 20 steps are under way: every
// run completes, and a step that was in the log does not run again.
func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "steps"), 0o700); err != nil {
		t.Fatal(err)
	}
	v := startVictim(t, dir)
	runs := make([]reeve.RunID, crashRuns)
	for i := range runs {
		var run reeve.Run
		if status := v.do("POST", "/v1/runs", `{"agent":"witnessed","input":{"text":""}}`, &run); status != http.StatusCreated {
			t.Fatalf("status %d", status)
		}
		runs[i] = run.ID
	}
	seen := map[string]int64{} // recorded steps, and how often each had run when that was first seen
	halfway := 0
	for range 4 { // five deaths with nothing new recorded would poison a run, rightly
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		v.die()
		steps := recorded(t, dir, runs)
		if len(steps) > 0 && len(steps) < crashRuns*crashSteps {
			halfway++
		}
		for step, n := range steps {
			if before, ok := seen[step]; ok && n != before {
				t.Errorf("step %s was recorded and ran again", step)
			}
			seen[step] = n
		}
		v = startVictim(t, dir)
	}
	for _, run := range runs {
		if got := v.await(run, reeve.StatusCompleted); string(got.Result) != strconv.Itoa(crashSteps) {
			t.Errorf("run %s gave %s", run, got.Result)
		}
	}
	for step, n := range seen {
		if now := times(t, dir, step); now != n {
			t.Errorf("step %s was recorded and ran again", step)
		}
	}
	if halfway == 0 {
		t.Error("no kill came while the runs were half done: the test showed nothing")
	}
}
