package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/cli"
)

// TestCommand moves money as the user does: the real server, its own SQLite file beside the ledger's.
func TestCommand(t *testing.T) {
	l := fresh(t)
	data := t.TempDir()
	for _, c := range []struct {
		agent, input string
		status       int
		says         string
	}{
		{"deposit", `{"account":"bob","cents":5}`, 0, `"cents": 5`},
		{"transfer", `{"from":"ann","to":"bob","cents":250}`, 0, `"cents": 255`},
		{"transfer", `{"from":"ann","to":"bob","cents":9999}`, 1, "ann does not have 9999 cents"},
		{"transfer", `{"from":"ann","to":"bob","sents":1}`, 2, "sents"},
	} {
		var out bytes.Buffer
		stderr, progress := terminal(t)
		args := []string{"run", c.agent, "--input", c.input, "--data", data}
		status := cli.Run(t.Context(), args, strings.NewReader(""), &out, stderr, l.deposit(), l.transfer())
		if status != c.status || !strings.Contains(out.String()+progress(), c.says) {
			t.Errorf("%s %s: status %d, want %d and %q\n%s\n%s", c.agent, c.input, status, c.status, c.says, out.String(), progress())
		}
	}
	balances, _ := books(t, l)
	if diff := cmp.Diff(map[string]int64{"ann": 750, "bob": 255}, balances); diff != "" {
		t.Error(diff)
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
