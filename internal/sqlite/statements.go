package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// statement names one of the writer's prepared statements.
type statement int

// The writer's statements that have one fixed text. What runs once for each op or more
// seldom is here; what runs for each row is among the chunks.
const (
	stVersion statement = iota
	stSerials
	stTouch
	stAddNote
	stAddKey
	stFindKey
	stRun
	stLive
	stNextLive
	stStartRun
	stMarkCancelling
	stRequeue
	stOpenAsk
	stFindAsk
	stCloseAsk
	stCloseAsks
	stLanded
	stNode
	stPaused
	stDue
	stDueExcept
	stInbox
	stClearInbox
	statementCount
)

var texts = [statementCount]string{
	stVersion: `PRAGMA data_version`,
	stSerials: `SELECT epoch, fence, max((SELECT coalesce(max(k), 0) FROM threads), (SELECT coalesce(max(thread), 0) FROM chaff)), (SELECT coalesce(max(id), 0) FROM runs) FROM meta WHERE id = 1`,
	stTouch:   `UPDATE meta SET checked_at = ? WHERE id = 1`,

	stAddNote: `INSERT INTO thread_notes (thread, title, metadata) VALUES (?, ?, ?)`,
	stAddKey:  `INSERT INTO keys (thread, key, hash, run) VALUES (?, ?, ?, ?)`,
	stFindKey: `SELECT hash, run FROM keys WHERE thread = ? AND key = ?`,

	stRun:      `SELECT ` + runColumns + ` FROM runs WHERE thread = ? AND n = ?`,
	stLive:     `SELECT ` + runColumns + ` FROM runs WHERE thread = ? AND status < 3 ORDER BY n`,
	stNextLive: `SELECT n, agent FROM runs WHERE thread = ? AND status < 3 ORDER BY n LIMIT 1`,

	stStartRun:       `UPDATE runs SET status = 1, attempt = ?, started_at = ?, input_seq = ? WHERE thread = ? AND n = ?`,
	stMarkCancelling: `UPDATE runs SET cancelling = 1 WHERE thread = ? AND n = ?`,
	stRequeue:        `UPDATE runs SET status = 0, cancelling = 0, last_seq = 0, finished_at = 0, error = NULL WHERE thread = ? AND n = ?`,

	stOpenAsk:   `INSERT OR REPLACE INTO asks (thread, run, path, scope, name, n) VALUES (?, ?, ?, ?, ?, ?)`,
	stFindAsk:   `SELECT scope, name, n FROM asks WHERE thread = ? AND run = ? AND path = ?`,
	stCloseAsk:  `DELETE FROM asks WHERE thread = ? AND run = ? AND path = ?`,
	stCloseAsks: `DELETE FROM asks WHERE thread = ? AND run = ?`,

	// The owner's entries of this claim, newest first: the claim's own entry ends the reading.
	stLanded: `SELECT seq, number, kind, at FROM log WHERE thread = ? AND seq <= ? ORDER BY seq DESC`,

	stNode:   `SELECT k FROM nodes WHERE id = ?`,
	stPaused: `SELECT 1 FROM paused WHERE agent = ?`,
	stDue: `SELECT k, runnable_at FROM threads WHERE agent = ? AND node = 0 AND runnable_at > 0 AND runnable_at <= ?
		ORDER BY runnable_at LIMIT ?`,
	stDueExcept: `SELECT k, runnable_at FROM threads WHERE agent = ? AND node = 0 AND runnable_at > 0 AND runnable_at <= ?
		AND owner NOT IN (SELECT value FROM json_each(?)) ORDER BY runnable_at LIMIT ?`,
	stInbox:      `SELECT id FROM threads WHERE node = ? AND inbox = 1`,
	stClearInbox: `UPDATE threads SET inbox = 0 WHERE node = ? AND inbox = 1`,
}

// chunk is a statement for many rows at once, prepared for 64, 16, 4 and 1 of them.
type chunk struct {
	width           int // parameters a row
	head, row, tail string
}

// chunkSizes fall to 1, so that any number of rows can be made of them.
var chunkSizes = [...]int{64, 16, 4, 1}

const (
	chThreads = iota // reads rows by id
	chTails
	chHeadRuns
	chSaveThreads
	chSaveEnds
	chSaveIdle
	chAddRuns
	chSaveTurns
	chAddLog
	chAddOdd
	chunkCount
)

var chunks = [chunkCount]chunk{
	chThreads: {width: 1, head: `SELECT ` + threadColumns + ` FROM threads WHERE id IN (`, row: `?`, tail: `)`},
	chTails: {width: 1, head: `SELECT l.thread, l.seq, l.number, l.at FROM threads t JOIN log l ON l.thread = t.k AND l.seq > t.last_seq
		WHERE t.k IN (`, row: `?`, tail: `)`},
	chHeadRuns: {width: 1, head: `SELECT ` + joined("t", threadColumns) + `, ` + joined("r", runColumns) +
		` FROM threads t JOIN runs r ON r.thread = t.k AND r.n = t.head WHERE t.k IN (`, row: `?`, tail: `)`},
	chSaveThreads: {
		width: threadWidth, head: `INSERT INTO threads (` + threadColumns + `) VALUES `, row: marks(threadWidth),
		tail: ` ON CONFLICT (k) DO UPDATE SET ` + excluded(threadColumns),
	},
	chSaveEnds: {width: endWidth, head: `UPDATE threads SET last_seq = v.column2, ack = v.column3, ack_seq = v.column4, at = v.column5
		FROM (VALUES `, row: marks(endWidth), tail: `) v WHERE k = v.column1`},
	chSaveIdle: {
		width: idleWidth, head: `UPDATE threads SET last_seq = v.column2, ack = v.column3, ack_seq = v.column4, at = v.column5,
		prune_at = v.column6, head = 0, strikes = 0, node = 0, died = 0, runnable_at = 0, inbox = 0 FROM (VALUES `,
		row: marks(idleWidth), tail: `) v WHERE k = v.column1`,
	},
	chAddRuns: {width: newWidth, head: `INSERT INTO runs (` + newColumns + `) VALUES `, row: marks(newWidth)},
	chSaveTurns: {width: turnWidth, head: `UPDATE runs SET status = v.column3, last_seq = v.column4, finished_at = v.column5,
		result = v.column6, error = v.column7 FROM (VALUES `, row: marks(turnWidth), tail: `) v WHERE thread = v.column1 AND n = v.column2`},
	chAddLog: {width: logWidth, head: `INSERT INTO log (` + logColumns + `) VALUES `, row: marks(logWidth)},
	chAddOdd: {width: oddWidth, head: `INSERT INTO log (` + oddColumns + `) VALUES `, row: marks(oddWidth)},
}

func (c chunk) text(rows int) string {
	return c.head + strings.TrimSuffix(strings.Repeat(c.row+", ", rows), ", ") + c.tail
}

// marks is the parameters of one row.
func marks(width int) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?, ", width), ", ") + ")"
}

// unchanging is how many columns of a thread's row stay as they were made.
const unchanging = 5

// joined puts a table's name before each column.
func joined(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

// excluded assigns the new row's columns; the first ones never change.
func excluded(columns string) string {
	var set []string
	for _, c := range strings.Split(columns, ", ")[unchanging:] {
		set = append(set, c+" = excluded."+c)
	}
	return strings.Join(set, ", ")
}

// statements are prepared once, on the writer's one connection; database/sql prepares
// them anew by itself when that connection had to be replaced.
type statements struct {
	one  [statementCount]*sql.Stmt
	many [chunkCount][len(chunkSizes)]*sql.Stmt
}

func prepare(ctx context.Context, db *sql.DB) (*statements, error) {
	var st statements
	for i, text := range texts {
		s, err := db.PrepareContext(ctx, text)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("prepare %q: %w", text, err), st.close())
		}
		st.one[i] = s
	}
	for i, c := range chunks {
		for j, size := range chunkSizes {
			s, err := db.PrepareContext(ctx, c.text(size))
			if err != nil {
				return nil, errors.Join(fmt.Errorf("prepare %q: %w", c.text(1), err), st.close())
			}
			st.many[i][j] = s
		}
	}
	return &st, nil
}

// close ends what was prepared; on nil it does nothing.
func (st *statements) close() error {
	if st == nil {
		return nil
	}
	var errs []error
	for _, s := range st.one {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	for _, sizes := range st.many {
		for _, s := range sizes {
			if s != nil {
				errs = append(errs, s.Close())
			}
		}
	}
	return errors.Join(errs...)
}
