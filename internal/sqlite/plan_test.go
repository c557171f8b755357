package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// many is how many threads and runs the plans are looked at with, beside none.
const many = 20_000

// Every statement reaches threads, log and runs by an index, on fresh tables and on full
// ones, whether or not somebody has run ANALYZE.
func TestEveryStatementUsesAnIndex(t *testing.T) {
	s := openInside(t)
	all := everyStatement(t, s)
	t.Run("empty", func(t *testing.T) { holdPlans(t, s.writerDB, all) })
	fillUp(t, s.writerDB)
	t.Run("full", func(t *testing.T) { holdPlans(t, s.writerDB, all) })
	if _, err := s.writerDB.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	t.Run("analyzed", func(t *testing.T) { holdPlansAnew(t, s.path, all) })
	pretendMillion(t, s.writerDB)
	t.Run("million", func(t *testing.T) { holdPlansAnew(t, s.path, all) })
}

// holdPlansAnew looks at the plans of a new connection: statistics are read when one opens.
func holdPlansAnew(t *testing.T, path string, all []string) {
	t.Helper()
	again, err := sql.Open("sqlite", dsn(path, "rw", writerPragmas()...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	holdPlans(t, again, all)
}

// pretendMillion changes the statistics to those of a million rows, which are all that a
// plan knows of a table's size. (With as many real rows every plan holds too, but the
// test takes a minute.)
func pretendMillion(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), "DROP TABLE IF EXISTS sqlite_stat4"); err != nil { // samples of the real rows
		t.Fatal(err)
	}
	for index, stat := range statistics(t, db) {
		var larger []string
		for field := range strings.FieldsSeq(stat) {
			if n, err := strconv.Atoi(field); err == nil && n > 1 { // 1: unique, however many rows there are
				field = strconv.Itoa(n * (1_000_000 / many))
			}
			larger = append(larger, field)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE sqlite_stat1 SET stat = ? WHERE idx IS ?", strings.Join(larger, " "), index); err != nil {
			t.Fatal(err)
		}
	}
}

// statistics is what ANALYZE has found, by index.
func statistics(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT idx, stat FROM sqlite_stat1 WHERE idx IS NOT NULL AND tbl IN ('threads', 'runs', 'log')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]string{}
	for rows.Next() {
		var index, stat string
		if err := rows.Scan(&index, &stat); err != nil {
			t.Fatal(err)
		}
		found[index] = stat
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		t.Fatalf("statistics of %d indexes: %v", len(found), err)
	}
	return found
}

func openInside(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "reeve.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// everyStatement gathers what the package can send, with how many parameters each has.
func everyStatement(t *testing.T, s *Store) []string {
	t.Helper()
	all := slices.Clone(texts[1:]) // the first is a PRAGMA
	for _, c := range chunks {
		for _, size := range chunkSizes {
			all = append(all, c.text(size))
		}
	}
	all = append(all, buryOthers, bury, prunable, frontRuns, publicThread+` WHERE t.id = ?`, publicRun+` WHERE t.id = ? AND r.n = ?`,
		`DELETE FROM runs WHERE thread = ? AND n < ?`, `DELETE FROM threads WHERE k = ?`, discarded, firstChaff, sweepLog, sweepRuns)
	for _, q := range []journal.EntryQuery{
		{},
		{Run: "tea.1"},
		{Kinds: []reeve.Kind{reeve.KindMessageAdded}},
		{Kinds: []reeve.Kind{reeve.KindAskOpened, reeve.KindAskAnswered}},
		{Without: reeve.KindTextAppended},
		{Run: "tea.1", Without: reeve.KindTextAppended},
	} {
		text, _, err := entriesText(q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	return append(all, listTexts(t, s)...)
}

// listTexts gathers the lists with each filter.
func listTexts(t *testing.T, s *Store) []string {
	t.Helper()
	if _, err := s.Commit(t.Context(), []journal.Op{&journal.Accept{Thread: "tea", Create: true, Owner: "ann", Agent: "echo"}}); err != nil {
		t.Fatal(err)
	}
	var all []string
	err := s.read(t.Context(), "texts", func(ctx context.Context, tx *sessionsql.Tx) error {
		for _, q := range []journal.ThreadQuery{{}, {Owner: "ann"}, {Before: "tea"}, {Owner: "ann", Before: "tea"}} {
			text, _, err := threadsText(ctx, tx, q)
			if err != nil {
				return err
			}
			all = append(all, text)
		}
		for _, q := range []journal.RunQuery{
			{},
			{Owner: "ann"},
			{Agent: "echo"},
			{Status: reeve.StatusFailed},
			{Status: reeve.StatusCompleted},
			{Status: reeve.StatusWaiting},
			{Status: reeve.StatusWaiting, Owner: "ann"},
			{Status: reeve.StatusWaiting, Thread: "tea"},
			{Status: reeve.StatusCompleted, Agent: "echo"},
			{Created: time.Now()},
			{Thread: "tea"},
			{Before: "tea.1"},
			{Thread: "tea", Before: "tea.1"},
			{Status: reeve.StatusFailed, Before: "tea.1"},
			{Owner: "ann", Before: "tea.1", Created: time.Now()},
		} {
			f, err := runsFilter(ctx, tx, q)
			if err != nil {
				return err
			}
			all = append(all, runsText(q, f))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func holdPlans(t *testing.T, db *sql.DB, all []string) {
	t.Helper()
	for _, text := range all {
		for _, line := range plan(t, db, text) {
			if scans(line) && !listed(text, line) || strings.Contains(line, "TEMP B-TREE") && !strings.Contains(text, "INDEXED BY runs_live") {
				t.Errorf("%s\n\tplan: %s", text[max(0, strings.Index(text, " FROM ")):], strings.Join(plan(t, db, text), "; "))
			}
		}
	}
}

// scans says whether a line of a plan reads a whole table or index of what grows.
func scans(line string) bool {
	for _, table := range []string{"threads", "log", "runs", "t", "r", "o", "thread_notes", "keys", "asks"} {
		if line == "SCAN "+table || strings.HasPrefix(line, "SCAN "+table+" ") {
			return true
		}
	}
	return false
}

// listed allows a list without a filter, or of completed runs, to walk its table in order:
// LIMIT ends the walk. The runs that have not ended may be looked at one by one: they are few.
func listed(text, line string) bool {
	if line == "SCAN r USING INDEX runs_live" {
		return true
	}
	text = strings.Replace(text, " WHERE r.status = ? ORDER BY r.id", "", 1)
	return (line == "SCAN t" || line == "SCAN r") && strings.Contains(text, "DESC LIMIT ?") && !strings.Contains(text, "WHERE t.") && !strings.Contains(text, "WHERE r.")
}

func plan(t *testing.T, db *sql.DB, text string) []string {
	t.Helper()
	args := make([]any, strings.Count(text, "?"))
	for i := range args {
		args[i] = 1
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// fillUp makes idle, waiting and held threads, each with a run and its first entries.
func fillUp(t *testing.T, db *sql.DB) {
	t.Helper()
	const numbers = `WITH RECURSIVE i (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM i WHERE n < 1000 + ?) `
	for _, text := range []string{
		`INSERT INTO threads (` + threadColumns + `) SELECT n, 'thread-' || n, 'owner-' || n % 100, n, 1, 1, 1, n % 7 * 10, 1, n % 3 % 2, n % 3,
			'agent-' || n % 10, 0, 0, 0, 1, n % 10 / 9, 0, n % 2 * n, 0, 3, 0, 0, n FROM i`,
		`INSERT INTO runs (` + runColumns + `) SELECT n AS id, n AS thread, 1, n % 6, 1, 0, 1, 2, 3, n AS started_at, n AS finished_at,
			'owner-' || n % 100, 'agent-' || n % 10, '' AS version, '' AS key, 'null', NULL AS result, NULL FROM i`,
		`INSERT INTO log (` + logColumns + `) SELECT n, 1, 1, 0, 0, 0, 0, n, 1, '', 'null' FROM i`,
		`INSERT INTO log (` + logColumns + `) SELECT n, 2, 1, 0, 0, 0, 0, n, 2, '', 'null' FROM i`,
	} {
		if _, err := db.ExecContext(t.Context(), numbers+text, many); err != nil {
			t.Fatal(err)
		}
	}
}
