package regress

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// worker is the program of internal/worker as a process that is killed and started again, on the same
// data directory and the same port.
type worker struct {
	t      *testing.T
	binary string
	data   string
	addr   string // 127.0.0.1:0 until the first start
	log    string // what the process writes to stderr, all starts one after the other
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone and its output read
}

// builtDir is where the built worker is, for TestMain to remove.
var builtDir string

// builtOnce builds the worker once for all tests, without the race detector.
var builtOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "reeve-regress-*")
	if err != nil {
		return "", err
	}
	builtDir = dir
	binary := filepath.Join(dir, "worker")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a cold cache, two cores
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./internal/worker").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the worker: %w\n%s", err, out)
	}
	return binary, nil
})

func newWorker(t *testing.T) *worker {
	t.Helper()
	binary, err := builtOnce()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &worker{t: t, binary: binary, data: filepath.Join(dir, "data"), addr: "127.0.0.1:0", log: filepath.Join(dir, "log")}
	t.Cleanup(func() {
		w.kill()
		if t.Failed() {
			t.Logf("the worker's log ends with:\n%s", tail(t, w.log))
		}
	})
	return w
}

// start runs the process and waits until it takes work.
func (w *worker) start() {
	w.t.Helper()
	stderr, err := os.OpenFile(w.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.cmd = exec.Command(w.binary, "serve", "--addr", w.addr, "--data", w.data)
	w.cmd.Stderr = stderr
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	_ = stderr.Close() // the process has its own
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		_ = w.cmd.Wait()
		w.t.Fatalf("the worker did not start:\n%s", tail(w.t, w.log))
	}
	w.addr = strings.TrimSpace(lines.Text()[strings.LastIndex(lines.Text(), "/")+1:])
	exited := make(chan struct{})
	w.exited = exited
	go func() {
		defer close(exited)
		_, _ = io.Copy(io.Discard, stdout)
		_ = w.cmd.Wait() // it was killed
	}()
	eventually(w.t, "the worker is ready", w.ready)
}

func (w *worker) ready() bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	res, err := client.Get(w.url() + "/readyz")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (w *worker) url() string { return "http://" + w.addr }

// kill is kill -9.
func (w *worker) kill() {
	if w.exited == nil {
		return
	}
	_ = w.cmd.Process.Signal(syscall.SIGKILL)
	<-w.exited
	w.exited = nil
}

// house is the worker as its clients see it.
func (w *worker) house() *house {
	h := &house{t: w.t, url: w.url(), http: &http.Client{Transport: &http.Transport{}}}
	w.t.Cleanup(h.http.CloseIdleConnections)
	return h
}

// tail is the end of a file.
func tail(t *testing.T, name string) string {
	t.Helper()
	const most = 4000
	text := readFile(t, name)
	return text[max(0, len(text)-most):]
}
