package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

var listTests = []test{
	{"threads, newest first", threadsNewestFirst},
	{"threads of an owner", threadsOfOwner},
	{"runs, newest first", runsNewestFirst},
	{"runs by thread, owner, agent, status and age", runsFiltered},
	{"pages of runs filtered", runsFilteredPages},
	{"a limit out of range", listBadLimit},
	{"a cursor to what is gone", listGoneCursor},
	{"what is not there", listNothing},
	{"pages hold while writers write", pagesWhileWriting},
}

// threadPages reads every page. A thread's place is the time of its making; where two
// were made at once, any order will do, as long as it stays.
func (f *fixture) threadPages(q journal.ThreadQuery) []reeve.ThreadID {
	f.Helper()
	var ids []reeve.ThreadID
	var last *reeve.Thread
	for {
		page, err := f.store.Threads(f.ctx, q)
		f.ok(err)
		if len(page) > q.Limit {
			f.Fatalf("%d threads with a limit of %d", len(page), q.Limit)
		}
		for i, row := range page {
			if last != nil && row.CreatedAt.After(last.CreatedAt) {
				f.Fatalf("thread %s of %v after %s of %v", row.ID, row.CreatedAt, last.ID, last.CreatedAt)
			}
			last = &page[i]
			ids = append(ids, row.ID)
		}
		if len(page) == 0 {
			return ids
		}
		q.Before = last.ID
	}
}

func (f *fixture) runPages(q journal.RunQuery) []reeve.RunID {
	f.Helper()
	var ids []reeve.RunID
	var last *reeve.Run
	for {
		page, err := f.store.Runs(f.ctx, q)
		f.ok(err)
		if len(page) > q.Limit {
			f.Fatalf("%d runs with a limit of %d", len(page), q.Limit)
		}
		for i, run := range page {
			if last != nil && run.CreatedAt.After(last.CreatedAt) {
				f.Fatalf("run %s of %v after %s of %v", run.ID, run.CreatedAt, last.ID, last.CreatedAt)
			}
			last = &page[i]
			ids = append(ids, run.ID)
		}
		if len(page) == 0 {
			return ids
		}
		q.Before = last.ID
	}
}

// sameSet compares without order; a repeat shows, for nothing is folded.
func sameSet[T ~string](f *fixture, what string, want, got []T) {
	f.Helper()
	f.equal(what, slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got)))
}

func threadsNewestFirst(f *fixture) {
	var want []reeve.ThreadID
	for i := range 23 {
		id := reeve.ThreadID(fmt.Sprintf("t%d", i*5%23))
		if i%2 == 0 {
			f.accept(id)
		} else {
			_, err := f.store.CreateThread(f.ctx, reeve.Thread{ID: id, Owner: ann})
			f.ok(err)
		}
		want = append(want, id)
		time.Sleep(2 * time.Millisecond)
	}
	f.accept(want[3]) // writing to a thread does not make it new
	slices.Reverse(want)
	for _, limit := range []int{1, 5, 23, 1000} {
		f.equal("threads", want, f.threadPages(journal.ThreadQuery{Limit: limit}))
	}
}

func threadsOfOwner(f *fixture) {
	want := map[string][]reeve.ThreadID{}
	for i := range 20 {
		op := acceptOn(reeve.ThreadID(fmt.Sprintf("t%d", i)))
		op.Owner = []string{"ann", "bob"}[i%2]
		f.do(op)
		want[op.Owner] = append(want[op.Owner], op.Thread)
	}
	for owner, ids := range want {
		sameSet(f, "threads of "+owner, ids, f.threadPages(journal.ThreadQuery{Owner: owner, Limit: 3}))
	}
	f.equal("threads of nobody", 0, len(f.threadPages(journal.ThreadQuery{Owner: "cem", Limit: 3})))
}

func runsNewestFirst(f *fixture) {
	var want []reeve.RunID
	for i := range 20 {
		want = append(want, f.accept(reeve.ThreadID(fmt.Sprintf("t%d", i*3%7))).ID)
		time.Sleep(2 * time.Millisecond)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 6, 20, 1000} {
		f.equal("runs", want, f.runPages(journal.RunQuery{Limit: limit}))
	}
}

// manyRuns makes runs of two owners, two agents and three statuses on eight threads.
func (f *fixture) manyRuns() []reeve.Run {
	f.Helper()
	for i := range 48 {
		op := acceptOn(reeve.ThreadID(fmt.Sprintf("t%d", i%8)))
		op.Owner = []string{"ann", "bob"}[i%8%2]
		op.Agent = []string{"echo", "sleep"}[i/8%2]
		run := f.do(op).Run
		if i%3 == 0 {
			f.do(&journal.Cancel{Run: run.ID})
		}
	}
	f.claim(journal.ClaimQuery{Node: node, Agents: []string{"echo", "sleep"}, Limit: 3})
	all, err := f.store.Runs(f.ctx, journal.RunQuery{Limit: 1000})
	f.ok(err)
	f.equal("runs", 48, len(all))
	return all
}

func runsFiltered(f *fixture) {
	all := f.manyRuns()
	middle := all[len(all)/2].CreatedAt
	for _, q := range []journal.RunQuery{
		{Thread: "t3"},
		{Owner: "bob"},
		{Agent: "sleep"},
		{Status: reeve.StatusRunning},
		{Status: reeve.StatusFailed},
		{Created: middle},
		{Thread: "t0", Status: reeve.StatusQueued},
		{Owner: "ann", Agent: "echo", Status: reeve.StatusCancelled},
		{Owner: "ann", Created: middle},
		{Thread: "t3", Owner: "ann"},
		{Thread: "nowhere"},
	} {
		var want []reeve.RunID
		for _, run := range all {
			if (q.Thread == "" || run.Thread == q.Thread) && (q.Owner == "" || run.Owner == q.Owner) &&
				(q.Agent == "" || run.Agent == q.Agent) && (q.Status == "" || run.Status == q.Status) &&
				(q.Created.IsZero() || run.CreatedAt.Before(q.Created)) {
				want = append(want, run.ID)
			}
		}
		q.Limit = 1000
		got := f.runPages(q)
		sameSet(f, fmt.Sprintf("runs of %+v", q), want, got)
		if q.Thread != "" && !slices.IsSortedFunc(got, func(a, b reeve.RunID) int { return int(b.N() - a.N()) }) {
			f.Errorf("runs of one thread: %v", got)
		}
	}
}

func runsFilteredPages(f *fixture) {
	f.manyRuns()
	for _, q := range []journal.RunQuery{{Owner: "bob"}, {Agent: "echo"}, {Status: reeve.StatusCancelled}, {Thread: "t5"}} {
		q.Limit = 1000
		want := f.runPages(q)
		q.Limit = 2
		f.equal("pages", want, f.runPages(q))
	}
}

func listBadLimit(f *fixture) {
	for _, limit := range []int{-1, 0, 1001} {
		_, err := f.store.Threads(f.ctx, journal.ThreadQuery{Limit: limit})
		f.hasCode(err, reeve.CodeInvalid)
		_, err = f.store.Runs(f.ctx, journal.RunQuery{Limit: limit})
		f.hasCode(err, reeve.CodeInvalid)
	}
}

// An empty page would look like the end of the list.
func listGoneCursor(f *fixture) {
	f.accept(tea)
	_, err := f.store.Threads(f.ctx, journal.ThreadQuery{Before: "nowhere", Limit: 10})
	f.hasCode(err, reeve.CodeInvalid)
	_, err = f.store.Runs(f.ctx, journal.RunQuery{Before: "nowhere.1", Limit: 10})
	f.hasCode(err, reeve.CodeInvalid)
}

func listNothing(f *fixture) {
	_, err := f.store.Thread(f.ctx, "nowhere")
	f.hasCode(err, reeve.CodeNotFound)
	f.accept(tea)
	for _, id := range []reeve.RunID{"nowhere.1", "tea.2", "tea.0", "tea"} {
		_, err = f.store.Run(f.ctx, id)
		f.hasCode(err, reeve.CodeNotFound)
	}
}

// What was there before the first page is given once, whatever is written meanwhile.
func pagesWhileWriting(f *fixture) {
	var threads []reeve.ThreadID
	var runs []reeve.RunID
	for i := range 40 {
		run := f.accept(reeve.ThreadID(fmt.Sprintf("old-%d", i)))
		threads, runs = append(threads, run.Thread), append(runs, run.ID)
	}
	time.Sleep(2 * time.Millisecond) // so that no newer one is of the same instant
	stop := make(chan struct{})
	var writers sync.WaitGroup
	defer writers.Wait()
	defer close(stop)
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				batch := []journal.Op{acceptOn(reeve.ThreadID(fmt.Sprintf("new-%d-%d", w, i))), acceptOn(threads[i%len(threads)])}
				if _, err := f.store.Commit(f.ctx, batch); err != nil {
					f.Errorf("commit: %v", err)
					return
				}
			}
		})
	}
	for range 3 {
		got := f.threadPages(journal.ThreadQuery{Limit: 7})
		sameSet(f, "old threads", threads, slices.DeleteFunc(got, func(id reeve.ThreadID) bool { return id[:3] != "old" }))
		old := map[reeve.RunID]bool{}
		for _, id := range f.runPages(journal.RunQuery{Limit: 50}) {
			if old[id] {
				f.Errorf("run %s was given twice", id)
			}
			old[id] = true
		}
		for _, id := range runs {
			if !old[id] {
				f.Errorf("run %s was left out", id)
			}
		}
	}
}
