package sqlite_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
)

// What the store adds to the database: "store" commits appends of one step each, every
// one on its own thread; "bare" writes the same rows and nothing else, with multi-row
// statements and the same durability; "fenced" holds a fence and keeps the threads' last
// positions as well. Run them by turns and compare medians; on a shared machine the
// processor's time (cpu-µs) says more than the clock's.

const benchThreads = 1000

var stepData = json.RawMessage(`{"result":"` + strings.Repeat("x", 100) + `"}`)

func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) { benchBare(b, size, false) })
		b.Run(fmt.Sprintf("fenced/%d", size), func(b *testing.B) { benchBare(b, size, true) })
		b.Run(fmt.Sprintf("store/%d", size), func(b *testing.B) { benchStore(b, size) })
	}
}

func benchStore(b *testing.B, size int) {
	s := open(b)
	owners := claimMany(b, s, benchThreads)
	next := 0
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		batch := make([]journal.Op, size)
		for i := range batch {
			batch[i] = owners[next%benchThreads].step()
			next++
		}
		results, err := s.Commit(b.Context(), batch)
		if err != nil || results[size-1].Err != nil {
			b.Fatal(err, results)
		}
	}
	report(b, next, "row", began)
}

// report tells what one of the things cost.
func report(b *testing.B, count int, thing string, began time.Duration) {
	b.Helper()
	b.ReportMetric(float64(count)/b.Elapsed().Seconds(), thing+"s/s")
	b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/1000/float64(count), "cpu-µs/"+thing)
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// holder is a thread in the hands of a test.
type holder struct {
	claimed journal.Claimed
	number  int64
}

func (h *holder) step() *journal.Append {
	h.number++
	return &journal.Append{
		Thread: h.claimed.Run.Thread, Fence: h.claimed.Fence, Number: h.number, Progress: true,
		Entries: []journal.Draft{{
			Kind: reeve.KindStepCompleted, Run: h.claimed.Run.ID, Path: fmt.Sprintf("step#%d", h.number), Name: "step",
			N: int(h.number), Attempt: 1, Try: 1, Data: stepData,
		}},
	}
}

// claimMany gives threads in the hands of one node.
func claimMany(tb testing.TB, s *sqlite.Store, count int) []*holder {
	tb.Helper()
	if err := s.Join(tb.Context(), journal.Node{ID: "node"}); err != nil {
		tb.Fatal(err)
	}
	holders := make([]*holder, count)
	batch := make([]journal.Op, count)
	for i := range batch {
		batch[i] = &journal.Accept{
			Thread: reeve.ThreadID(fmt.Sprintf("0193f5c8-7b1e-7a3b-9c4d-%012d", i)), Create: true, Owner: "ann", Agent: "echo", Take: "node",
		}
	}
	results, err := s.Commit(tb.Context(), batch)
	if err != nil {
		tb.Fatal(err)
	}
	for i, res := range results {
		holders[i] = &holder{claimed: *res.Claimed}
	}
	return holders
}

const bareSchema = `CREATE TABLE log (thread INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL, data BLOB);
CREATE UNIQUE INDEX log_position ON log (thread, seq);
CREATE TABLE threads (k INTEGER PRIMARY KEY, fence INTEGER NOT NULL, last_seq INTEGER NOT NULL);
INSERT INTO threads WITH RECURSIVE i (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 1000) SELECT n, 1, 0 FROM i`

// bare is a database with the statements of one batch, and nothing around them.
type bare struct {
	db     *sql.DB
	insert *sql.Stmt
	fence  *sql.Stmt // nil: the rows alone
}

func openBare(b *testing.B, size int, fenced bool) bare {
	b.Helper()
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)",
		"cache_size(-32000)", "wal_autocheckpoint(4000)",
	}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?"+q.Encode())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(b.Context(), bareSchema); err != nil {
		b.Fatal(err)
	}
	out := bare{db: db, insert: prepareBare(b, db, "INSERT INTO log VALUES "+strings.Repeat(", (?, ?, ?, ?, ?, ?)", size)[2:])}
	if fenced {
		out.fence = prepareBare(b, db, "UPDATE threads SET last_seq = v.column3 FROM (VALUES "+
			strings.Repeat(", (?, ?, ?)", size)[2:]+") v WHERE k = v.column1 AND fence = v.column2")
	}
	return out
}

func prepareBare(b *testing.B, db *sql.DB, text string) *sql.Stmt {
	b.Helper()
	st, err := db.PrepareContext(b.Context(), text)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	return st
}

func benchBare(b *testing.B, size int, fenced bool) {
	db := openBare(b, size, fenced)
	next := 0
	rows, fences := make([]any, 0, 6*size), make([]any, 0, 3*size)
	began := processorTime(b)
	for b.Loop() {
		rows, fences = rows[:0], fences[:0]
		for range size {
			thread, seq := int64(next%benchThreads), int64(next/benchThreads)
			rows = append(rows, thread, seq, "step.completed", fmt.Sprintf("step#%d", seq), int64(1_700_000_000_000_000+next), []byte(stepData))
			fences = append(fences, thread, 1, seq)
			next++
		}
		db.commit(b, rows, fences)
	}
	report(b, next, "row", began)
}

func (d bare) commit(b *testing.B, rows, fences []any) {
	b.Helper()
	tx, err := d.db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if d.fence != nil {
		_, err = tx.StmtContext(b.Context(), d.fence).ExecContext(b.Context(), fences...)
	}
	if err == nil {
		_, err = tx.StmtContext(b.Context(), d.insert).ExecContext(b.Context(), rows...)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRuns takes whole runs through their life, a hundred side by side: accepted
// and taken at once, five steps, a result.
func BenchmarkRuns(b *testing.B) {
	s := open(b)
	if err := s.Join(b.Context(), journal.Node{ID: "node"}); err != nil {
		b.Fatal(err)
	}
	const size, steps = 100, 5
	thread := 0
	longest = 0
	began := processorTime(b)
	for b.Loop() {
		batch := make([]journal.Op, size)
		for i := range batch {
			batch[i] = &journal.Accept{
				Thread: reeve.ThreadID(fmt.Sprintf("0193f5c8-7b1e-7a3b-9c4d-%012d", thread)), Create: true,
				Owner: "ann", Agent: "echo", Take: "node", Input: json.RawMessage(`{"text":"hi"}`),
			}
			thread++
		}
		results := commitAll(b, s, batch)
		holders := make([]*holder, size)
		for i, res := range results {
			holders[i] = &holder{claimed: *res.Claimed}
		}
		for range steps {
			for i, h := range holders {
				batch[i] = h.step()
			}
			commitAll(b, s, batch)
		}
		for i, h := range holders {
			batch[i] = h.end()
		}
		commitAll(b, s, batch)
	}
	report(b, thread, "run", began)
	b.ReportMetric(float64(longest.Microseconds())/1000, "max-ms")
}

func (h *holder) end() *journal.Append {
	op := h.step()
	op.Entries = append(op.Entries, op.Entries[0])
	op.Entries[0].Kind, op.Entries[1].Kind = reeve.KindMessageAdded, reeve.KindRunCompleted
	h.number++
	op.Change = &journal.Change{Run: h.claimed.Run.ID, Status: reeve.StatusCompleted, Result: stepData}
	return op
}

// longest is the longest commit of a benchmark.
var longest time.Duration

func commitAll(tb testing.TB, s *sqlite.Store, batch []journal.Op) []journal.Result {
	tb.Helper()
	began := time.Now()
	results, err := s.Commit(tb.Context(), batch)
	longest = max(longest, time.Since(began))
	if err != nil {
		tb.Fatal(err)
	}
	for _, res := range results {
		if res.Err != nil {
			tb.Fatal(res.Err)
		}
	}
	return results
}
