package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
)

func TestPlainLines(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var out bytes.Buffer
	p := newPlain(&out)
	for i, e := range []reeve.Entry{
		{Kind: reeve.KindRunQueued, Data: json.RawMessage(`{"agent":"crew"}`)},
		{Kind: reeve.KindRunStarted, Attempt: 1, Data: json.RawMessage(`{"attempt":1}`)},
		{Kind: reeve.KindTextAppended, Path: "a", Data: json.RawMessage(`{"offset":0,"text":"one\ntwo \u001b[31m\nhal"}`)},
		{Kind: reeve.KindTextAppended, Path: "a", Data: json.RawMessage(`{"offset":13,"text":"f"}`)},
		{Kind: reeve.KindStepFailed, Path: "a", Try: 1, Data: json.RawMessage(`{"message":"no\nway"}`)},
		{Kind: reeve.KindTextAppended, Path: "a", Data: json.RawMessage(`{"offset":0,"text":"again"}`)},
		{Kind: reeve.KindStepCompleted, Path: "a", Data: json.RawMessage(`[1]`)},
		{Kind: "thing.unheard", Data: json.RawMessage(`{`)},
		{Kind: reeve.KindRunFailed, Data: json.RawMessage(`{"code":"panic","message":"it fell"}`)},
	} {
		e.At = began.Add(time.Duration(i) * time.Second)
		p.entry(e)
	}
	want := strings.TrimPrefix(`
     0ms  run.queued  crew
    1.0s  run.started  attempt 1
    2.0s  a  | one
    2.0s  a  | two �[31m
    4.0s  a  step.failed  try 1: no way
    6.0s  a  | again
    6.0s  a  step.completed
    7.0s  thing.unheard
    8.0s  run.failed  it fell
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestResults(t *testing.T) {
	for raw, want := range map[string]string{
		`"text\n"`:                          "text\n",
		`{"text":"t"}`:                      "t\n",
		`{"text":"# Report\n","counts":{}}`: "# Report\n",
		`{"text":"t","markdown":"m"}`:       "m\n",
		`{"text":1}`:                        "{\n  \"text\": 1\n}\n",
		`{"text":null}`:                     "{\n  \"text\": null\n}\n",
		`[1,2]`:                             "[\n  1,\n  2\n]\n",
		`null`:                              "null\n",
		``:                                  "",
	} {
		var out bytes.Buffer
		if err := printResult(&out, json.RawMessage(raw)); err != nil || out.String() != want {
			t.Errorf("%s: %q %v, want %q", raw, out.String(), err, want)
		}
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"approve": "approve", "a/b[c]#2": "'a/b[c]#2'", "": "''", "it's": `'it'\''s'`, "go on?": "'go on?'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
