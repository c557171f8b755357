package storetest

import (
	"time"

	"github.com/reeve-run/reeve"
)

var releaseTests = []test{
	{"a handed-over run is resumed", releaseHanded},
	{"without a time only a writer wakes", releaseNoWake},
	{"a time that comes", releaseWake},
	{"a time in the past is now", releaseWakePast},
	{"what was not looked at survives", releaseUnread},
	{"what was looked at does not wake", releaseRead},
}

// farAway is a time that does not come while a test runs.
func farAway() time.Time { return time.Now().Add(24 * time.Hour) }

// A hand-over is no death: the attempt stays.
func releaseHanded(f *fixture) {
	o := f.start(tea)
	if res := f.do(o.handing()); !res.Runnable {
		f.Error("a hand-over does not say runnable")
	}
	f.refuse(o.op(step(1)), reeve.CodeFenced)
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
	next := f.claimRun(node, o.Run.ID)
	if next.Run.Attempt != 1 || next.Strikes != 0 || !next.Replay {
		f.Errorf("claimed after a hand-over: %+v", next.Claimed)
	}
	f.equal("entries", []reeve.Kind{"run.resumed"}, kinds(next.Entries))
	f.equal("log's end", next.Entries, f.log(tea)[4:])
}

func releaseNoWake(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	if res := f.do(o.waiting(time.Time{})); res.Runnable {
		f.Error("a run that waits for a writer is said to be runnable")
	}
	f.equal("claimable", []reeve.RunID{}, f.claimable())
	f.do(answerTo(o.Run.ID, "may"))
	next := f.claimRun(node, o.Run.ID)
	f.equal("entries", []reeve.Kind{"run.resumed"}, kinds(next.Entries))
	f.hasStatus(o.Run.ID, reeve.StatusRunning)
}

func releaseWake(f *fixture) {
	later, soon := f.start("later"), f.start("soon")
	f.do(later.waiting(farAway()))
	wake := time.Now().Add(300 * time.Millisecond)
	f.do(soon.waiting(wake))
	for f.ctx.Err() == nil {
		got := f.claimable()
		if at := time.Now(); len(got) > 0 {
			f.equal("claimed", []reeve.RunID{soon.Run.ID}, got)
			if at.Before(wake) {
				f.Errorf("claimed %v before its time", wake.Sub(at))
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.Fatal("the time came and the thread could not be claimed")
}

func releaseWakePast(f *fixture) {
	o := f.start(tea)
	if res := f.do(o.waiting(time.Now().Add(-time.Hour))); !res.Runnable {
		f.Error("a time that has come does not say runnable")
	}
	f.equal("claimable", []reeve.RunID{o.Run.ID}, f.claimable())
}

// The owner lets go without saying what it has read: nobody may be left unheard.
func releaseUnread(f *fixture) {
	o := f.start(tea)
	o.ask("may")
	f.do(answerTo(o.Run.ID, "may"))
	f.do(o.waiting(time.Time{}))
	f.equal("claimable", []reeve.RunID{o.Run.ID}, f.claimable())
}

func releaseRead(f *fixture) {
	for thread, claims := range map[reeve.ThreadID]bool{"looked": false, "claims-to-have-read": true} {
		o := f.start(thread)
		o.ask("may")
		f.do(answerTo(o.Run.ID, "may"))
		op := o.waiting(time.Time{})
		if claims {
			op.Change.IfLastSeq = f.heads(thread)[thread].Seq
		} else {
			f.equal("inbox", []reeve.ThreadID{thread}, f.inbox())
		}
		f.do(op)
		f.equal("claimable", []reeve.RunID{}, f.claimable())
	}
}
