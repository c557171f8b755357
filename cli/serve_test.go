package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// The first signal drains, for as long as the grace says; the second stops at once.
func TestSecondSignalStopsTheServer(t *testing.T) {
	dir := t.TempDir()
	deaf, release := deafAgent()
	defer release()
	soft, first := context.WithCancel(t.Context())
	hard, second := context.WithCancel(t.Context())
	said, log := newTold(), newTold()
	c := &command{agents: fixed(deaf), in: strings.NewReader(""), out: said, err: log, hard: hard}
	status := make(chan int, 1)
	go func() {
		status <- c.run(soft, []string{"serve", "--data", dir, "--addr", "127.0.0.1:0", "--grace", "1h"})
	}()
	said.wait(t, "reeve serves at")

	var id bytes.Buffer
	if got := Run(t.Context(), []string{"run", "deaf", "--data", dir, "--detach"}, strings.NewReader(""), &id, io.Discard, deaf...); got != exitYes {
		t.Fatalf("exit status %d", got)
	}
	first()
	log.wait(t, "once more stops at once")
	select {
	case got := <-status:
		t.Fatalf("it did not wait for the run: exit status %d", got)
	case <-time.After(50 * time.Millisecond):
	}
	second()
	select {
	case got := <-status:
		if got != exitYes {
			t.Errorf("exit status %d\n%s", got, log)
		}
	case <-time.After(hangBound):
		t.Fatalf("it does not stop\n%s", log)
	}
}
