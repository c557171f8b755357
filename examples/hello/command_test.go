package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/reeve-run/reeve/cli"
)

// TestCommand runs the program as its user does: the real server, a SQLite file, a socket.
func TestCommand(t *testing.T) {
	var out, progress bytes.Buffer
	args := []string{"run", "hello", "World", "--data", t.TempDir()}
	if status := cli.Run(t.Context(), args, strings.NewReader(""), &out, &progress, hello); status != 0 || out.String() != "Hello, World!\n" {
		t.Fatalf("status %d: %q\n%s", status, out.String(), progress.String())
	}
}
