package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli"
)

// TestCommand talks as the user does: two runs of the program on one thread, the real server, the fake model.
func TestCommand(t *testing.T) {
	f := serve(t, answering("A rising ", "number."), answering("A number."))
	data := t.TempDir()
	var run reeve.Run
	first, progress := command(t, f, "What is a fence?", "--data", data, "--json")
	if err := json.Unmarshal([]byte(first), &run); err != nil || !strings.Contains(string(run.Result), `"A rising number."`) {
		t.Fatalf("%v: %s", err, first)
	}
	if !strings.Contains(progress, "A rising") {
		t.Errorf("nothing streamed:\n%s", progress)
	}
	if second, _ := command(t, f, "Say it shorter.", "--data", data, "--thread", string(run.Thread)); second != "A number.\n" {
		t.Fatalf("%q", second)
	}
	want := []message{{"user", "What is a fence?"}, {"assistant", "A rising number."}, {"user", "Say it shorter."}}
	if diff := cmp.Diff(want, f.questions()[1].Messages); diff != "" {
		t.Fatal(diff)
	}
}

func command(t *testing.T, f *fake, says string, flags ...string) (out, progress string) {
	t.Helper()
	var stdout bytes.Buffer
	stderr, text := terminal(t)
	args := append([]string{"run", "chat", says}, flags...)
	if status := cli.Run(t.Context(), args, strings.NewReader(""), &stdout, stderr, f.model(t).chat()); status != 0 {
		t.Fatalf("%v: status %d\n%s\n%s", args, status, stdout.String(), text())
	}
	return stdout.String(), text()
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
