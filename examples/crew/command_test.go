package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli"
	"github.com/reeve-run/reeve/client"
)

// TestCommand is the program as a server: a client starts the crew, a person answers by the
// command, and the report is there.
func TestCommand(t *testing.T) {
	url, stop := serve(t)
	defer stop()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := client.New(url, client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	order := folder(t)
	input, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := c.Start(ctx, client.Start{Agent: "crew", Input: input})
	if err != nil {
		t.Fatal(err)
	}
	last := reeve.Kind("")
	for e, err := range c.Follow(ctx, client.From{Run: run.ID, After: run.FirstSeq - 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if last = e.Kind; e.Kind == reeve.KindAskOpened {
			command(t, "runs", "answer", string(run.ID), e.Path, "true", "--url", url)
		}
	}
	if last != reeve.KindRunCompleted {
		t.Fatalf("the run ends with %s", last)
	}
	if written, err := os.ReadFile(order.Report); err != nil || !strings.Contains(string(written), "| total | 3 | 5 | 1 |") {
		t.Fatalf("%v: %s", err, written)
	}
}

func command(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	stderr, trouble := terminal(t)
	if status := cli.Run(t.Context(), args, strings.NewReader(""), &out, stderr, crew, inspector); status != 0 {
		t.Fatalf("%v: status %d\n%s\n%s", args, status, out.String(), trouble())
	}
}

// serve runs `crew serve` on a free port until it is stopped.
func serve(t *testing.T) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	line, out := io.Pipe()
	stderr, logs := terminal(t)
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()}, strings.NewReader(""), out, stderr, crew, inspector)
		_ = out.Close() // of a pipe: never an error
	}()
	buf := make([]byte, 200)
	n, err := line.Read(buf)
	if err != nil {
		t.Fatalf("serve: %v, status %d\n%s", err, <-ended, logs())
	}
	words := strings.Fields(string(buf[:n]))
	return words[len(words)-1], func() {
		cancel()
		_, _ = io.Copy(io.Discard, line)
		if status := <-ended; status != 0 {
			t.Errorf("serve: status %d\n%s", status, logs())
		}
	}
}

// terminal is what stderr is to the program: a file, which logs and progress may write to side by side.
func terminal(t *testing.T) (file *os.File, text func() string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, func() string {
		raw, err := os.ReadFile(file.Name())
		if err != nil {
			t.Error(err)
		}
		return string(raw)
	}
}
