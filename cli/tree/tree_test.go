package tree

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func after(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

func entry(ms int, kind reeve.Kind, path string, data any) reeve.Entry {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return reeve.Entry{Kind: kind, Path: path, Data: raw, At: after(ms), Attempt: 1, Try: 1}
}

// crew is a run of a crew: a step, two branches, a question.
func crew() []reeve.Entry {
	return []reeve.Entry{
		entry(0, reeve.KindRunQueued, "", reeve.RunQueued{Agent: "crew"}),
		entry(5, reeve.KindRunStarted, "", reeve.RunStarted{Attempt: 1}),
		entry(25, reeve.KindStepCompleted, "list", []string{"a"}),
		entry(30, reeve.KindAgentCalled, "scan", reeve.AgentCalled{Agent: "scan"}),
		entry(30, reeve.KindAgentCalled, "scan#2", reeve.AgentCalled{Agent: "scan"}),
		entry(130, reeve.KindStepCompleted, "scan/parse", 1),
		entry(140, reeve.KindAgentReturned, "scan", reeve.AgentReturned{}),
		entry(150, reeve.KindStepFailed, "scan#2/parse", reeve.StepFailed{Failure: reeve.Failure{Message: "no such file"}, Final: true}),
		entry(160, reeve.KindAgentReturned, "scan#2", reeve.AgentReturned{Error: &reeve.Failure{Message: "no such file"}}),
		entry(170, reeve.KindAskOpened, "go on?", reeve.AskOpened{Text: "Shall I go on?\nThere are faults."}),
		entry(1170, reeve.KindAskAnswered, "go on?", reeve.AskAnswered{By: "client"}),
		entry(1200, reeve.KindRunCompleted, "", "done"),
	}
}

func drawn(t *Tree, ms int, room Room) string { return strings.Join(t.Lines(after(ms), room), "\n") }

func built(entries []reeve.Entry) *Tree {
	t := New("crew")
	for _, e := range entries {
		t.Add(e)
	}
	return t
}

func TestFinishedTree(t *testing.T) {
	want := strings.TrimSpace(`
✓ crew  1.2s
├─ ✓ list  20ms
├─ ✓ scan  110ms
│  └─ ✓ parse  100ms
├─ ✗ scan#2  130ms  no such file
│  └─ ✗ parse  120ms  try 1: no such file
└─ ✓ go on?  1.0s
`)
	if diff := cmp.Diff(want, drawn(built(crew()), 9999, Room{})); diff != "" {
		t.Error(diff)
	}
}

func TestTreeUnderWay(t *testing.T) {
	tr := built(crew()[:6])
	tr.Live(wire.Why{Agents: []wire.AgentState{{Path: "scan#2", Doing: "step", What: "scan#2/parse", Since: after(40), Try: 2}}})
	tr.Add(entry(135, reeve.KindTextAppended, "scan#2", reeve.TextAppended{Text: "reading\nfile \x1b[2Jone\n"}))
	want := strings.TrimSpace(`
◐ crew  135ms
├─ ✓ list  20ms
├─ ◐ scan  110ms
│  └─ ✓ parse  100ms
└─ ◐ scan#2  110ms
     │ file �[2Jone
   └─ ◐ parse  100ms  try 2
`)
	if diff := cmp.Diff(want, drawn(tr, 140, Room{})); diff != "" {
		t.Error(diff)
	}
}

func TestTakeoverDropsUnfinishedText(t *testing.T) {
	tr := built(crew()[:2])
	tr.Add(entry(10, reeve.KindTextAppended, "", reeve.TextAppended{Text: "half a sen"}))
	again := entry(20, reeve.KindRunStarted, "", reeve.RunStarted{Attempt: 2})
	again.Attempt = 2
	tr.Add(again)
	tr.Add(entry(21, reeve.KindTextAppended, "", reeve.TextAppended{Offset: 10, Text: "a ghost of attempt 1"}))
	if diff := cmp.Diff("◐ crew  25ms  attempt 2", drawn(tr, 30, Room{})); diff != "" {
		t.Error(diff)
	}
}

func TestSleepEndsWithItsTime(t *testing.T) {
	tr := built(crew()[:2])
	tr.Add(entry(10, reeve.KindTimerSet, "nap", reeve.TimerSet{Until: after(2010)}))
	if got := drawn(tr, 1000, Room{}); !strings.Contains(got, "◇ nap") {
		t.Errorf("before its end:\n%s", got)
	}
	if got := drawn(tr, 3000, Room{}); !strings.Contains(got, "✓ nap  2.0s") {
		t.Errorf("after its end:\n%s", got)
	}
}

func TestHighTreeFoldsWhatEndedWell(t *testing.T) {
	tr := built(crew()[:3])
	for i := range 300 {
		path := fmt.Sprintf("scan#%d", i+2)
		tr.Add(entry(40, reeve.KindAgentCalled, path, reeve.AgentCalled{Agent: "scan"}))
		if i == 7 {
			tr.Add(entry(50, reeve.KindAgentReturned, path, reeve.AgentReturned{Error: &reeve.Failure{Message: "broken"}}))
		} else if i < 298 {
			tr.Add(entry(60, reeve.KindAgentReturned, path, reeve.AgentReturned{}))
		}
	}
	got := drawn(tr, 100, Room{Height: 8})
	for _, want := range []string{"more completed", "✗ scan#9  10ms  broken", "◐ scan#300", "◐ scan#301"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// Whatever comes, a drawing fits its room.
func TestDrawingFits(t *testing.T) {
	kinds := []reeve.Kind{
		reeve.KindRunQueued, reeve.KindRunStarted, reeve.KindRunWaiting, reeve.KindRunResumed, reeve.KindRunStalled,
		reeve.KindAgentCalled, reeve.KindAgentReturned, reeve.KindStepCompleted, reeve.KindStepFailed,
		reeve.KindTextAppended, reeve.KindAskOpened, reeve.KindAskAnswered, reeve.KindTimerSet,
		reeve.KindCancelRequested, reeve.KindRunFailed, reeve.KindRunCompleted, "thing.unheard",
	}
	rapid.Check(t, func(t *rapid.T) {
		tr := New(rapid.String().Draw(t, "agent"))
		for range rapid.IntRange(0, 60).Draw(t, "entries") {
			tr.Add(reeve.Entry{
				Kind:    rapid.SampledFrom(kinds).Draw(t, "kind"),
				Path:    strings.Trim(rapid.StringMatching(`([a-c](#[2-4])?/?){0,4}`).Draw(t, "path"), "/"),
				Attempt: rapid.IntRange(0, 3).Draw(t, "attempt"),
				Data:    rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`{`), json.RawMessage(`{"text":"日本語 \u001b[31m wide","message":"m"}`)}).Draw(t, "data"),
				At:      after(rapid.IntRange(0, 5000).Draw(t, "at")),
			})
		}
		room := Room{
			Width:  rapid.IntRange(2, 60).Draw(t, "width"),
			Height: rapid.IntRange(2, 20).Draw(t, "height"),
			Color:  rapid.Bool().Draw(t, "color"),
		}
		lines := tr.Lines(after(6000), room)
		if len(lines) > room.Height {
			t.Fatalf("%d lines in %d", len(lines), room.Height)
		}
		for _, line := range lines {
			if span(line) > room.Width || strings.ContainsAny(line, "\n\r") {
				t.Fatalf("%q takes %d of %d columns", line, span(line), room.Width)
			}
		}
	})
}
