package storetest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// owner is a claimed thread in the hands of a test; it numbers its appends as the engine does.
type owner struct {
	journal.Claimed
	f      *fixture
	number int64
}

// op makes the owner's next append, of these entries.
func (o *owner) op(entries ...journal.Draft) *journal.Append {
	for i := range entries {
		entries[i].Run, entries[i].Attempt = o.Run.ID, o.Run.Attempt
	}
	number := o.number
	o.number += int64(len(entries))
	return &journal.Append{Thread: o.Run.Thread, Fence: o.Fence, Number: number, Entries: entries}
}

// step is a step's result.
func step(n int) journal.Draft {
	return journal.Draft{
		Kind: reeve.KindStepCompleted, Path: fmt.Sprintf("step#%d", n), Name: "step", N: n, Try: 1,
		Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n)),
	}
}

// steps appends that many steps, one commit each.
func (o *owner) steps(count int) {
	o.f.Helper()
	for n := range count {
		o.f.do(o.op(step(n + 1)))
	}
}

// change makes the append that brings the run to a status, told by the kind.
func (o *owner) change(kind reeve.Kind, c journal.Change) *journal.Append {
	op := o.op(journal.Draft{Kind: kind})
	c.Run = o.Run.ID
	op.Change = &c
	return op
}

func (o *owner) completion() *journal.Append {
	return o.change(reeve.KindRunCompleted, journal.Change{Status: reeve.StatusCompleted, Result: json.RawMessage(`"done"`)})
}

func (o *owner) failure() *journal.Append {
	return o.change(reeve.KindRunFailed, journal.Change{
		Status: reeve.StatusFailed,
		Error:  &reeve.Failure{Code: reeve.CodeAgentFailed, Message: "no", Paths: []string{"step", "crew"}},
	})
}

// waiting makes the append that lets go of the thread to wait until wake, or for a writer when it is zero.
func (o *owner) waiting(wake time.Time) *journal.Append {
	return o.change(reeve.KindRunWaiting, journal.Change{Status: reeve.StatusWaiting, Release: true, Wake: wake})
}

// handing makes the append that hands the running run over.
func (o *owner) handing() *journal.Append {
	return o.change(reeve.KindRunHanded, journal.Change{Status: reeve.StatusRunning, Release: true, Wake: time.Now()})
}

func (o *owner) complete() journal.Result {
	o.f.Helper()
	return o.f.do(o.completion())
}

func (o *owner) fail() {
	o.f.Helper()
	o.f.do(o.failure())
}

// ask opens a question.
func (o *owner) ask(path string) {
	o.f.Helper()
	data, err := json.Marshal(reeve.AskOpened{Text: "may I?"})
	o.f.ok(err)
	o.f.do(o.op(journal.Draft{Kind: reeve.KindAskOpened, Path: path, Name: "may", Scope: "crew", N: 7, Data: data}))
}
