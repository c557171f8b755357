package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

// begun is a thread in the hands of node "node".
func begun(t *testing.T, s *Store, id reeve.ThreadID) journal.Claimed {
	t.Helper()
	if err := s.Join(t.Context(), journal.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	return *commitOne(t, s, &journal.Accept{Thread: id, Create: true, Owner: "ann", Agent: "echo", Take: "node"}).Claimed
}

func commitOne(t *testing.T, s *Store, op journal.Op) journal.Result {
	t.Helper()
	results, err := s.Commit(t.Context(), []journal.Op{op})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != nil {
		t.Fatal(results[0].Err)
	}
	return results[0]
}

func step(c journal.Claimed, number int64, data json.RawMessage) *journal.Append {
	return &journal.Append{
		Thread: c.Run.Thread, Fence: c.Fence, Number: number,
		Entries: []journal.Draft{{Kind: reeve.KindStepCompleted, Run: c.Run.ID, Path: fmt.Sprintf("step#%d", number), Data: data}},
	}
}

func text(size int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", size) + `"`) }

func pragma(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), "PRAGMA "+text); err != nil {
		t.Fatal(err)
	}
}

// SQLite's own bound on pages gives the same error as a full disk.
func TestFullDiskIsTransient(t *testing.T) {
	s := openInside(t)
	c := begun(t, s, "tea")
	commitOne(t, s, step(c, 1, text(10)))
	pragma(t, s.writerDB, "max_page_count=1") // no more than there are
	big := []journal.Op{step(c, 2, text(1<<20)), &journal.Accept{Thread: "new", Create: true, Owner: "ann", Agent: "echo"}}
	for range 3 {
		_, err := s.Commit(t.Context(), big)
		if _, coded := errors.AsType[*reeve.Error](err); err == nil || coded || !strings.Contains(err.Error(), "is full: make room") {
			t.Fatalf("commit on a full disk: %v; want the database's trouble and what to do", err)
		}
		if _, poisoned := errors.AsType[*journal.PoisonError](err); poisoned {
			t.Fatalf("a full disk is no poison: %v", err)
		}
	}
	entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: "tea", Limit: 10})
	if err != nil || len(entries) != 4 {
		t.Errorf("on a full disk %d entries are read, %v; want 4", len(entries), err)
	}
	pragma(t, s.writerDB, "max_page_count=1000000")
	results, err := s.Commit(t.Context(), big)
	if err != nil || results[0].Err != nil || results[1].Err != nil {
		t.Fatalf("the same batch once there is room: %v, %+v", err, results)
	}
	if results[0].LastSeq != 5 {
		t.Errorf("the step stands at %d, want 5: what failed left no trace", results[0].LastSeq)
	}
}

// A store that cannot write says so, although it still reads.
func TestCheckTellsTheTruth(t *testing.T) {
	s := openInside(t)
	told, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "full", "file": s.path, "store": "sqlite"} {
		if told[name] != want {
			t.Errorf("%s is %q, want %q", name, told[name], want)
		}
	}
	pragma(t, s.writerDB, "query_only=1")
	if _, err := s.Check(t.Context()); err == nil || reeve.CodeOf(err) != reeve.CodeInternal {
		t.Errorf("check of a store that cannot write: %v", err)
	}
	if _, err := s.Thread(t.Context(), "tea"); reeve.CodeOf(err) != reeve.CodeNotFound {
		t.Errorf("a read in the meantime: %v", err)
	}
	pragma(t, s.writerDB, "query_only=0")
	if _, err := s.Check(t.Context()); err != nil {
		t.Errorf("check once it can write again: %v", err)
	}
}

// A value that SQLite refuses is poison, so that the lane halves the batch; the rest lands.
func TestPoison(t *testing.T) {
	s := openInside(t)
	c := begun(t, s, "tea")
	limitLength(t, s, 1<<20)
	bad, good := step(c, 1, text(2<<20)), step(c, 2, text(10))
	_, err := s.Commit(t.Context(), []journal.Op{bad, good})
	if _, poisoned := errors.AsType[*journal.PoisonError](err); !poisoned {
		t.Fatalf("commit of a value that is too big: %v; want a *PoisonError", err)
	}
	if _, err := s.Commit(t.Context(), []journal.Op{bad}); err == nil {
		t.Fatal("the guilty op alone was written")
	}
	if res := commitOne(t, s, good); res.LastSeq != 4 {
		t.Errorf("the innocent op stands at %d, want 4", res.LastSeq)
	}
}

func limitLength(t *testing.T, s *Store, bytes int) {
	t.Helper()
	conn, err := s.writerDB.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := driver.Limit(conn, codes.SQLITE_LIMIT_LENGTH, bytes); err != nil {
		t.Fatal(err)
	}
}

// The rows that the writer remembers are void once anybody else has written.
func TestAnotherConnectionWrites(t *testing.T) {
	s := openInside(t)
	c := begun(t, s, "tea")
	commitOne(t, s, step(c, 1, text(10)))
	other, err := sql.Open("sqlite", dsn(s.path, "rw", "busy_timeout(5000)"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.ExecContext(t.Context(), "UPDATE threads SET fence = fence + 1"); err != nil {
		t.Fatal(err)
	}
	results, err := s.Commit(t.Context(), []journal.Op{step(c, 2, text(10))})
	if err != nil || reeve.CodeOf(results[0].Err) != reeve.CodeFenced {
		t.Errorf("a commit under the old fence: %v, %+v; want fenced", err, results)
	}
}

// What a unit that failed has done to the rows in memory is forgotten with it.
func TestFailedUnitIsForgotten(t *testing.T) {
	s := openInside(t)
	c := begun(t, s, "tea")
	limitLength(t, s, 1<<20)
	end := step(c, 1, text(2<<20))
	end.Change = &journal.Change{Run: c.Run.ID, Status: reeve.StatusCompleted}
	if _, err := s.Commit(t.Context(), []journal.Op{end, &journal.Accept{Thread: "new", Create: true, Owner: "ann", Agent: "echo"}}); err == nil {
		t.Fatal("a value that is too big was written")
	}
	end.Entries[0].Data = text(10)
	if res := commitOne(t, s, end); res.LastSeq != 4 {
		t.Errorf("the end stands at %d, want 4", res.LastSeq)
	}
	if res := commitOne(t, s, &journal.Accept{Thread: "new", Create: true, Owner: "bob", Agent: "echo"}); res.Run.ID != "new.1" {
		t.Errorf("the accept that failed left a trace: %+v", res.Run)
	}
}

// The wait for the writer ends with the caller's context; the unit in hand does not.
func TestWaitForTheWriterEnds(t *testing.T) {
	s := openInside(t)
	<-s.turn
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := s.Commit(ctx, []journal.Op{&journal.Accept{Thread: "tea", Create: true, Agent: "echo"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("commit while the writer is busy: %v", err)
	}
	s.turn <- struct{}{}
	commitOne(t, s, &journal.Accept{Thread: "tea", Create: true, Agent: "echo"})
}

// Another program that keeps the file locked is named as what it is.
func TestLockedByAnotherProgram(t *testing.T) {
	s := openInside(t)
	pragma(t, s.writerDB, "busy_timeout=20")
	other, err := sql.Open("sqlite", dsn(s.path, "rw"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Commit(t.Context(), []journal.Op{&journal.Accept{Thread: "tea", Create: true, Agent: "echo"}})
	if err == nil || !strings.Contains(err.Error(), "another program keeps") {
		t.Errorf("commit while another program writes: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	commitOne(t, s, &journal.Accept{Thread: "tea", Create: true, Agent: "echo"})
}

// Close may come in the midst of everything; each call ends, with an answer or a refusal.
func TestCloseInTheMidst(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: t.TempDir() + "/reeve.db", Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	first := make(chan struct{}, 8)
	for i := range 8 {
		workers.Go(func() {
			for n := 0; ; n++ {
				_, err := s.Commit(context.Background(), []journal.Op{&journal.Accept{
					Thread: reeve.ThreadID(fmt.Sprintf("t%d-%d", i, n)), Create: true, Owner: "ann", Agent: "echo",
				}})
				_, readErr := s.Runs(context.Background(), journal.RunQuery{Limit: 10})
				if n == 0 {
					first <- struct{}{}
				}
				if err != nil && readErr != nil {
					return
				}
			}
		})
	}
	for range 8 {
		<-first
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	workers.Wait()
	if _, err := s.Commit(t.Context(), nil); reeve.CodeOf(err) != reeve.CodeUnavailable {
		t.Errorf("commit after the close: %v", err)
	}
}

// The write-ahead log is folded back while the server runs, also beside readers.
func TestWriteAheadLogIsBounded(t *testing.T) {
	s := openInside(t)
	c := begun(t, s, "tea")
	for number := range int64(100) {
		commitOne(t, s, step(c, number+1, text(1<<20)))
		if _, err := s.Entries(t.Context(), journal.EntryQuery{Thread: "tea", After: number, Limit: 2}); err != nil {
			t.Fatal(err)
		}
	}
	told, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	if _, err := fmt.Sscan(told["wal_size"], &size); err != nil || size > 32<<20 {
		t.Errorf("after 100 MB the write-ahead log has %s bytes, %v", told["wal_size"], err)
	}
}

// Whatever stands in a column of text, it is read as it was written.
func TestGarbageInText(t *testing.T) {
	s := openInside(t)
	if err := s.Join(t.Context(), journal.Node{ID: "node", Address: "\xff\x00", Version: "\x00"}); err != nil {
		t.Fatal(err)
	}
	for i, garbage := range []string{"\x00", "a\x00b", "\xff\xfe", "\xc3\x28", "a\xed\xa0\x80", "'\x00--", strings.Repeat("\xf0", 300)} {
		id := reeve.ThreadID(fmt.Sprintf("t%d", i))
		accept := &journal.Accept{
			Thread: id, Create: true, Owner: garbage, Title: garbage, Metadata: json.RawMessage(garbage),
			Agent: garbage, Version: garbage, Input: json.RawMessage(garbage), Key: garbage, Hash: garbage, Take: "node",
		}
		c := *commitOne(t, s, accept).Claimed
		if res := commitOne(t, s, accept); !res.Existing {
			t.Errorf("%q: the key is not found again", garbage)
		}
		op := step(c, 1, json.RawMessage(garbage))
		op.Entries[0].Path, op.Entries[0].Scope, op.Entries[0].Name, op.Entries[0].Kind = garbage, garbage, garbage, reeve.Kind(garbage)
		want := commitOne(t, s, op).Entries[0]
		entries, err := s.Entries(t.Context(), journal.EntryQuery{Thread: id, After: 3, Limit: 10})
		if err != nil || len(entries) != 1 {
			t.Fatalf("%q: %d entries, %v", garbage, len(entries), err)
		}
		if diff := cmp.Diff(want, entries[0]); diff != "" {
			t.Errorf("%q (-wrote +read): %s", garbage, diff)
		}
		row, err := s.Thread(t.Context(), id)
		if err != nil || row.Owner != garbage || row.Title != garbage || string(row.Metadata) != garbage {
			t.Errorf("%q: thread %+v, %v", garbage, row, err)
		}
		runs, err := s.Runs(t.Context(), journal.RunQuery{Owner: garbage, Agent: garbage, Limit: 10})
		if err != nil || len(runs) != 1 || string(runs[0].Input) != garbage || runs[0].Version != garbage {
			t.Errorf("%q: runs %+v, %v", garbage, runs, err)
		}
	}
}
