package pysession_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeve-run/reeve/lint/pysession"
)

// wrong is a file with one finding.
const wrong = "from sqlalchemy.orm import Session\nkeeper = object()\ndef f(db: Session):\n    keeper.db = db\n"

// interpreter puts a python3 of our own in front of the real one: a shell script that
// gets the real one's path as $real.
func interpreter(t *testing.T, script string) {
	t.Helper()
	installed, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("python3 is not installed")
	}
	if err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	text := fmt.Sprintf("#!/bin/sh\nreal=%s\n%s\n", installed, script)
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestPythonThatDies holds that the file on which python3 dies is named, and that those
// before and behind it are looked at.
func TestPythonThatDies(t *testing.T) {
	interpreter(t, `exec "$real" -c 'import os,sys
src = sys.argv[1].replace("def shape(path, source):", "def shape(path, source):\n    if b"+repr("kill me")+" in source: os.abort()\n    return whole(path, source)\n\ndef whole(path, source):")
exec(compile(src, "facts", "exec"))' "$5"`)
	files := []pysession.File{
		{Name: "a.py", Src: []byte(wrong)},
		{Name: "b.py", Src: []byte("# kill me\n" + wrong)},
		{Name: "c.py", Src: []byte(wrong)},
	}
	found, skipped, err := pysession.Check(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].File != "a.py" || found[1].File != "c.py" {
		t.Errorf("found %v, want one in a.py and one in c.py", found)
	}
	if len(skipped) != 1 || skipped[0].Path != "b.py" || !strings.Contains(skipped[0].Reason, "ended while it read this file") {
		t.Errorf("skipped %v, want b.py", skipped)
	}
}

// TestPythonThatNeverStarts holds that a broken python3 is not started once a file.
func TestPythonThatNeverStarts(t *testing.T) {
	count := filepath.Join(t.TempDir(), "starts")
	interpreter(t, "echo x >> "+count+"; echo no such thing >&2; exit 3")
	var files []pysession.File
	for i := range 40 {
		files = append(files, pysession.File{Name: fmt.Sprintf("f%d.py", i), Src: []byte(wrong)})
	}
	found, skipped, err := pysession.Check(t.Context(), files)
	if err != nil || len(found) != 0 || len(skipped) != len(files) {
		t.Fatalf("found %v, skipped %d of %d, err %v", found, len(skipped), len(files), err)
	}
	if !strings.Contains(skipped[0].Reason, "no such thing") {
		t.Errorf("the reason %q does not tell what python3 said", skipped[0].Reason)
	}
	if starts, _ := os.ReadFile(count); strings.Count(string(starts), "x") > 10 {
		t.Errorf("python3 was started %d times", strings.Count(string(starts), "x"))
	}
}
