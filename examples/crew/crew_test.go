package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder has two texts, and a folder that is named like one and cannot be read.
func folder(t *testing.T) Order {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.md": "one two\nTODO three\n", "b.txt": "four\n", "c.bin": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "c.md"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Order{Path: dir, Report: filepath.Join(t.TempDir(), "report.md")}
}

func TestCrewWritesWhenApproved(t *testing.T) {
	order := folder(t)
	res := agenttest.Run(t, crew, order, agenttest.AnswerAfter("approve", time.Hour, true))
	if res.Err != nil || !res.Output.Written {
		t.Fatalf("%v\n%s", res.Err, res.Log())
	}
	want := Report{
		Total:   Count{Lines: 3, Words: 5, Todos: 1},
		Files:   []Count{{File: filepath.Join(order.Path, "a.md"), Lines: 2, Words: 4, Todos: 1}, {File: filepath.Join(order.Path, "b.txt"), Lines: 1, Words: 1}},
		Failed:  []string{filepath.Join(order.Path, "c.md")},
		Written: true,
	}
	if diff := cmp.Diff(want, res.Output); diff != "" {
		t.Fatal(diff)
	}
	written, err := os.ReadFile(order.Report)
	if err != nil || !strings.Contains(string(written), "| total | 3 | 5 | 1 |") {
		t.Fatalf("%v: %s", err, written)
	}
}

func TestCrewTakesSilenceForNo(t *testing.T) {
	order := folder(t)
	res := agenttest.Run(t, crew, order)
	if res.Err != nil || res.Output.Written || res.Took < patience {
		t.Fatalf("%v: written %t after %s", res.Err, res.Output.Written, res.Took)
	}
	if _, err := os.Stat(order.Report); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the report is there: %v", err)
	}
}

func TestCrewOfAnEmptyFolder(t *testing.T) {
	res := agenttest.Run(t, crew, Order{Path: t.TempDir()})
	if res.Status != reeve.StatusFailed || !strings.Contains(res.Err.Error(), "has no .md") {
		t.Fatalf("%s: %v", res.Status, res.Err)
	}
}

func TestCrewSurvivesEveryCrash(t *testing.T) {
	agenttest.EveryCrash(t, crew, folder(t), agenttest.Answer("approve", true))
}
