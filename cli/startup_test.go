package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
)

// An address that another program has is refused with what to do about it.
func TestServeSaysWhatToDoAboutATakenAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"serve", "--addr", l.Addr().String(), "--data", t.TempDir()}
	if status := Run(ctx, args, strings.NewReader(""), &out, &errs); status != 2 {
		t.Errorf("exit status %d, want 2", status)
	}
	for _, want := range []string{l.Addr().String(), "another program has this address", "--addr"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("the error does not say %q:\n%s", want, errs.String())
		}
	}
}

// A program that reads the log sees durations with their unit.
func TestTheLogNamesTheUnitOfADuration(t *testing.T) {
	var log bytes.Buffer
	serverLog(&log).Info("stopping", "grace", 1500*time.Millisecond, "runs", 3)
	var line struct {
		Grace string
		Runs  int
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Grace != "1.5s" || line.Runs != 3 {
		t.Errorf("%+v, %v: %s", line, err, log.String())
	}
}

// A text in another encoding is refused, not changed.
func TestTextIsUTF8(t *testing.T) {
	if raw, err := readInput(strings.NewReader(""), []string{"caf\xe9"}, ""); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("%s, %v", raw, err)
	}
	if raw, err := readInput(strings.NewReader(""), []string{"café", "x"}, ""); err != nil || string(raw) != `{"text":"café x"}` {
		t.Errorf("%s, %v", raw, err)
	}
}
