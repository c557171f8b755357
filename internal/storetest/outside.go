package storetest

import (
	"encoding/json"
	"strconv"
	"sync"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var answerTests = []test{
	{"an open question", answerOpen},
	{"a closed question", answerClosed},
	{"a question that was never asked", answerUnknown},
	{"a run that is not there", answerNoRun},
	{"a run that has ended", answerEnded},
	{"an answer wakes a waiting run", answerWakes},
	{"an answer marks the thread of its owner", answerMarks},
	{"a retry opens the questions again", answerAfterRetry},
	{"of 16 answers one wins", answerRace},
}

func answerTo(run reeve.RunID, path string) *journal.Answer {
	return &journal.Answer{Run: run, Path: path, Value: json.RawMessage(`{"yes":true}`), By: "client"}
}

func answerOpen(f *fixture) {
	o := f.start(tea)
	o.ask("crew/may")
	res := f.do(answerTo(o.Run.ID, "crew/may"))
	log := f.log(tea)
	e := log[len(log)-1]
	f.equal("result's entries", []reeve.Entry{e}, res.Entries)
	f.equal("entry", reeve.Entry{
		Thread: tea, Epoch: e.Epoch, First: e.Seq, Seq: e.Seq, Run: o.Run.ID, Path: "crew/may", Kind: reeve.KindAskAnswered,
		Attempt: 1, Data: e.Data, At: e.At, Scope: "crew", N: 7, Name: "may",
	}, e)
	got := read[reeve.AskAnswered](f, e)
	f.sameJSON("value", json.RawMessage(`{"yes":true}`), got.Value)
	f.equal("by", "client", got.By)
}

func answerClosed(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	byDeadline := &journal.Answer{Run: o.Run.ID, Path: "may", By: "deadline"}
	got := read[reeve.AskAnswered](f, f.do(byDeadline).Entries[0])
	if len(got.Value) != 0 || got.By != "deadline" {
		f.Errorf("answered without a value: %+v", got)
	}
	f.refuse(answerTo(o.Run.ID, "may"), reeve.CodeConflict)
	f.refuse(byDeadline, reeve.CodeConflict)
}

func answerUnknown(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	f.refuse(answerTo(o.Run.ID, "other"), reeve.CodeConflict)
	f.refuse(answerTo(o.Run.ID, ""), reeve.CodeConflict)
}

func answerNoRun(f *fixture) {
	f.accept(tea)
	for _, id := range []reeve.RunID{"tea.2", "nowhere.1", "tea.0", "tea", "tea.x"} {
		f.hasCode(f.commit(answerTo(id, "may"))[0].Err, reeve.CodeNotFound)
	}
}

func answerEnded(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	o.complete()
	f.refuse(answerTo(o.Run.ID, "may"), reeve.CodeConflict)
}

func answerWakes(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	f.do(o.waiting(farAway()))
	f.equal("claimable before", []reeve.RunID{}, f.claimable())
	if res := f.do(answerTo(o.Run.ID, "may")); !res.Runnable {
		f.Error("the result does not say runnable")
	}
	f.hasStatus(o.Run.ID, reeve.StatusWaiting)
	f.equal("claimable", []reeve.RunID{o.Run.ID}, f.claimable())
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
}

func answerMarks(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	if res := f.do(answerTo(o.Run.ID, "may")); res.Runnable {
		f.Error("a thread in hand is said to be runnable")
	}
	f.equal("inbox", []reeve.ThreadID{tea}, f.inbox())
}

// The question was recorded and is not asked again when the run goes on: it must take an answer.
func answerAfterRetry(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	o.fail()
	f.refuse(answerTo(o.Run.ID, "may"), reeve.CodeConflict)
	f.do(&journal.Retry{Run: o.Run.ID})
	f.claimRun(node, o.Run.ID)
	f.do(answerTo(o.Run.ID, "may"))
	f.refuse(answerTo(o.Run.ID, "may"), reeve.CodeConflict)
}

func answerRace(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			op := answerTo(o.Run.ID, "may")
			op.Value = json.RawMessage(strconv.Itoa(i))
			res, err := f.store.Commit(f.ctx, []journal.Op{op})
			if errs[i] = err; err == nil {
				errs[i] = res[0].Err
			}
		})
	}
	wg.Wait()
	log := f.log(tea)
	f.equal("log", 5, len(log))
	won := read[reeve.AskAnswered](f, log[4])
	for i, err := range errs {
		if string(won.Value) == strconv.Itoa(i) {
			f.ok(err)
		} else {
			f.hasCode(err, reeve.CodeConflict)
		}
	}
}
