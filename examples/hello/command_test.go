package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeve-run/reeve/cli"
)

// TestCommand runs the program as its user does: the real server, a SQLite file, a socket.
func TestCommand(t *testing.T) {
	var out bytes.Buffer
	stderr, progress := terminal(t)
	args := []string{"run", "hello", "World", "--data", t.TempDir()}
	if status := cli.Run(t.Context(), args, strings.NewReader(""), &out, stderr, hello); status != 0 || out.String() != "Hello, World!\n" {
		t.Fatalf("status %d: %q\n%s", status, out.String(), progress())
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
