package cli

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reeve-run/reeve/internal/sqlite"
)

// hangBound is far above what a slow machine needs.
const hangBound = time.Minute

// told is a stream that others wait to say something.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newTold() *told { return &told{more: make(chan struct{}, 1)} }

func (w *told) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (w *told) wait(t *testing.T, for_ string) {
	t.Helper()
	late := time.After(hangBound)
	for !strings.Contains(w.String(), for_) {
		select {
		case <-w.more:
		case <-late:
			t.Fatalf("no %q in\n%s", for_, w.String())
		}
	}
}

// The first Ctrl-C cancels the run, waits for its end, and exits with 130.
func TestCtrlCCancelsTheRun(t *testing.T) {
	dir := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	progress := newTold()
	status := make(chan int, 1)
	go func() {
		status <- Run(ctx, []string{"run", "long", "--data", dir}, strings.NewReader(""), new(bytes.Buffer), progress, scripted...)
	}()
	progress.wait(t, "run.started")
	interrupt()
	if got := <-status; got != exitInterrupted {
		t.Errorf("exit status %d, want %d\n%s", got, exitInterrupted, progress)
	}
	for _, want := range []string{"cancelling the run", "run.cancelled", "is cancelled"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("no %q in\n%s", want, progress)
		}
	}
	if _, held, err := sqlite.Holder(dir); held || err != nil {
		t.Errorf("the data directory is still held: %v %v", held, err)
	}
}

// The second Ctrl-C leaves at once, also when the agent does not listen; a later server has the run.
func TestSecondCtrlCLeavesAtOnce(t *testing.T) {
	dir := t.TempDir()
	deaf, release := deafAgent()
	soft, first := context.WithCancel(t.Context())
	hard, second := context.WithCancel(t.Context())
	progress := newTold()
	c := &command{agents: fixed(deaf), in: strings.NewReader(""), out: new(bytes.Buffer), err: progress, hard: hard}
	status := make(chan int, 1)
	go func() { status <- c.run(soft, []string{"run", "deaf", "--data", dir}) }()
	progress.wait(t, "run.started")
	first()
	progress.wait(t, "cancelling the run")
	second()
	select {
	case got := <-status:
		if got != exitInterrupted {
			t.Errorf("exit status %d, want %d\n%s", got, exitInterrupted, progress)
		}
	case <-time.After(hangBound):
		t.Fatalf("it does not leave\n%s", progress)
	}
	release()
}

// When the server that was found goes away, the run goes on from its log in this process.
func TestRunOutlivesABorrowedServer(t *testing.T) {
	dir := t.TempDir()
	serving, stopServer := context.WithCancel(t.Context())
	served, said := make(chan int, 1), newTold()
	go func() {
		served <- Run(serving, []string{"serve", "--data", dir, "--addr", "127.0.0.1:0", "--grace", "10ms"}, strings.NewReader(""), said, new(bytes.Buffer), scripted...)
	}()
	said.wait(t, "reeve serves at")

	progress, out := newTold(), new(bytes.Buffer)
	status := make(chan int, 1)
	go func() {
		status <- Run(t.Context(), []string{"run", "approve", "plan", "--data", dir}, strings.NewReader(""), out, progress, scripted...)
	}()
	progress.wait(t, "answer it with: reeve runs answer ")
	run := strings.Fields(strings.SplitN(progress.String(), "reeve runs answer ", 2)[1])[0]
	stopServer()
	if got := <-served; got != exitYes {
		t.Errorf("the server exits with %d", got)
	}
	progress.wait(t, "the run goes on from its log")
	answer := func() int {
		return Run(t.Context(), []string{"runs", "answer", run, "sure", "true", "--data", dir}, strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer), scripted...)
	}
	for end := time.Now().Add(hangBound); answer() != exitYes; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the question cannot be answered\n%s", progress)
		}
	}
	if got := <-status; got != exitYes || strings.TrimSpace(out.String()) != "yes" {
		t.Errorf("exit status %d, result %q\n%s", got, out, progress)
	}
}
