package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// scanner reads the columns of one row.
type scanner = func(targets ...any) error

// errEnough ends a reading of rows before its end; it is no error to who reads.
var errEnough = errors.New("enough")

// scanAll hands each row of a query to fn.
func scanAll(ctx context.Context, tx *sessionsql.Tx, text string, args []any, fn func(scanner) error) (err error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := fn(rows.Scan); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

// lastSeq is the thread's last position: its row may be some entries behind the log.
const lastSeq = `max(t.last_seq, coalesce((SELECT max(seq) FROM log WHERE thread = t.k), 0))`

const publicThread = `SELECT t.id, t.owner, t.epoch, t.first_seq, ` + lastSeq + `, t.created_at, coalesce(o.title, ''), o.metadata
	FROM threads t LEFT JOIN thread_notes o ON o.thread = t.k`

func scanThread(scan scanner) (t reeve.Thread, err error) {
	var created int64
	var metadata []byte
	err = scan(&t.ID, &t.Owner, &t.Epoch, &t.FirstSeq, &t.LastSeq, &created, &t.Title, &metadata)
	t.CreatedAt, t.Metadata = timeOf(created), metadata
	return t, err
}

// Thread reads a thread's row.
func (s *Store) Thread(ctx context.Context, id reeve.ThreadID) (t reeve.Thread, err error) {
	err = s.read(ctx, "read thread "+string(id), func(ctx context.Context, tx *sessionsql.Tx) (err error) {
		t, err = scanThread(tx.QueryRowContext(ctx, publicThread+` WHERE t.id = ?`, string(id)).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return noThread(id)
		}
		return err
	})
	return t, err
}

// Threads pages through threads, newest first.
func (s *Store) Threads(ctx context.Context, q journal.ThreadQuery) ([]reeve.Thread, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	page := make([]reeve.Thread, 0, min(q.Limit, 100))
	err := s.read(ctx, "list threads", func(ctx context.Context, tx *sessionsql.Tx) error {
		text, args, err := threadsText(ctx, tx, q)
		if err != nil {
			return err
		}
		return scanAll(ctx, tx, text, args, func(scan scanner) error {
			t, err := scanThread(scan)
			page = append(page, t)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// filter is the WHERE of a list, put together from what the query asks for.
type filter struct {
	where []string
	args  []any
}

func (f *filter) add(condition string, args ...any) {
	f.where, f.args = append(f.where, condition), append(f.args, args...)
}

func (f *filter) text(head, tail string) string {
	if len(f.where) == 0 {
		return head + tail
	}
	return head + ` WHERE ` + strings.Join(f.where, ` AND `) + tail
}

func threadsText(ctx context.Context, tx *sessionsql.Tx, q journal.ThreadQuery) (string, []any, error) {
	var f filter
	if q.Owner != "" {
		f.add(`t.owner = ?`, q.Owner)
	}
	if q.Before != "" {
		var k int64
		err := tx.QueryRowContext(ctx, `SELECT k FROM threads WHERE id = ? AND (? = '' OR owner = ?)`, string(q.Before), q.Owner, q.Owner).Scan(&k)
		if err != nil {
			return "", nil, cursorError(string(q.Before), err)
		}
		f.add(`t.k < ?`, k)
	}
	return f.text(publicThread, ` ORDER BY t.k DESC LIMIT ?`), append(f.args, q.Limit), nil
}

func cursorError(before string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return reeve.Errorf(reeve.CodeInvalid, "cursor %q is not there any more: start again from the top", before)
	}
	return fmt.Errorf("find cursor %q: %w", before, err)
}

var publicRun = runsFrom(`runs r`)

func runsFrom(table string) string {
	return `SELECT t.id, ` + joined("r", runColumns) + ` FROM ` + table + ` JOIN threads t ON t.k = r.thread`
}

func scanRun(scan scanner) (reeve.Run, error) {
	var id reeve.ThreadID
	var r run
	if err := scan(append([]any{&id}, r.targets()...)...); err != nil {
		return reeve.Run{}, err
	}
	return r.public(id)
}

// Run reads a run's row.
func (s *Store) Run(ctx context.Context, id reeve.RunID) (r reeve.Run, err error) {
	err = s.read(ctx, "read run "+string(id), func(ctx context.Context, tx *sessionsql.Tx) (err error) {
		r, err = scanRun(tx.QueryRowContext(ctx, publicRun+` WHERE t.id = ? AND r.n = ?`, string(id.Thread()), id.N()).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return noRun(id)
		}
		return err
	})
	return r, err
}

// Runs pages through runs, newest first.
func (s *Store) Runs(ctx context.Context, q journal.RunQuery) ([]reeve.Run, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	page := make([]reeve.Run, 0, min(q.Limit, 100))
	err := s.read(ctx, "list runs", func(ctx context.Context, tx *sessionsql.Tx) error {
		f, err := runsFilter(ctx, tx, q)
		if err != nil || f == nil {
			return err
		}
		return scanAll(ctx, tx, runsText(q, f), append(f.args, q.Limit), func(scan scanner) error {
			r, err := scanRun(scan)
			page = append(page, r)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

func runsText(q journal.RunQuery, f *filter) string {
	return f.text(runsFrom(runsSource(q)), ` ORDER BY `+runsOrder(q)+` DESC LIMIT ?`)
}

// runsSource walks the runs that have not ended, of which there are few, when one of their
// statuses is asked for; and the table itself, newest first, where nothing narrows the list
// down: most runs are completed, and with the statistics of an ANALYZE SQLite would else
// think an index worth sorting for.
func runsSource(q journal.RunQuery) string {
	switch {
	case q.Thread != "":
		return `runs r`
	case q.Status != "" && !q.Status.Ended():
		return `runs r INDEXED BY runs_live`
	case q.Owner == "" && q.Agent == "" && (q.Status == "" || q.Status == reeve.StatusCompleted):
		return `runs r NOT INDEXED`
	}
	return `runs r`
}

// runsOrder is by making; within a thread the numbers have that order too, and an index.
func runsOrder(q journal.RunQuery) string {
	if q.Thread != "" {
		return `r.n`
	}
	return `r.id`
}

// runsFilter is nil when there can be no such run.
func runsFilter(ctx context.Context, tx *sessionsql.Tx, q journal.RunQuery) (*filter, error) {
	var f filter
	if q.Owner != "" {
		f.add(`r.owner = ?`, q.Owner)
	}
	if q.Agent != "" {
		f.add(`r.agent = ?`, q.Agent)
	}
	if q.Status != "" {
		st, known := statusOf(q.Status)
		if !known {
			return nil, reeve.Errorf(reeve.CodeInvalid, "status %q: want one of %v", q.Status, reeve.Statuses)
		}
		f.add(`r.status = ?`+runsIndexed(st), int64(st))
	}
	if !q.Created.IsZero() {
		f.add(`r.id < ?`, q.Created.Add(time.Microsecond-1).UnixMicro())
	}
	if err := f.cursor(ctx, tx, q); err != nil {
		return nil, err
	}
	return f.inThread(ctx, tx, q)
}

// runsIndexed says again, without a parameter, that an index has all runs of the status.
func runsIndexed(st status) string {
	switch {
	case !st.ended():
		return ` AND r.status < 3`
	case st > completed:
		return ` AND r.status > 3`
	}
	return ``
}

func (f *filter) cursor(ctx context.Context, tx *sessionsql.Tx, q journal.RunQuery) error {
	if q.Before == "" {
		return nil
	}
	var id int64
	err := tx.QueryRowContext(ctx, `SELECT r.id FROM runs r JOIN threads t ON t.k = r.thread WHERE t.id = ? AND r.n = ?`,
		string(q.Before.Thread()), q.Before.N()).Scan(&id)
	if err != nil {
		return cursorError(string(q.Before), err)
	}
	if q.Thread != "" && q.Thread == q.Before.Thread() {
		f.add(`r.n < ?`, q.Before.N())
		return nil
	}
	f.add(`r.id < ?`, id)
	return nil
}

func (f *filter) inThread(ctx context.Context, tx *sessionsql.Tx, q journal.RunQuery) (*filter, error) {
	if q.Thread == "" {
		return f, nil
	}
	var k int64
	err := tx.QueryRowContext(ctx, `SELECT k FROM threads WHERE id = ?`, string(q.Thread)).Scan(&k)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	f.add(`r.thread = ?`, k)
	return f, err
}

// headsPage is how many threads one statement of Heads asks for.
const headsPage = 1000

// Heads gives the last position of each thread that is there.
func (s *Store) Heads(ctx context.Context, ids []reeve.ThreadID) (map[reeve.ThreadID]reeve.Position, error) {
	heads := make(map[reeve.ThreadID]reeve.Position, len(ids))
	err := s.read(ctx, "read heads", func(ctx context.Context, tx *sessionsql.Tx) error {
		for len(ids) > 0 {
			part := ids[:min(len(ids), headsPage)]
			ids = ids[len(part):]
			if err := readHeads(ctx, tx, part, heads); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

func readHeads(ctx context.Context, tx *sessionsql.Tx, ids []reeve.ThreadID, heads map[reeve.ThreadID]reeve.Position) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = string(id)
	}
	text := `SELECT t.id, t.epoch, ` + lastSeq + ` FROM threads t WHERE t.id IN ` + marks(len(ids))
	return scanAll(ctx, tx, text, args, func(scan scanner) error {
		var id reeve.ThreadID
		var p reeve.Position
		err := scan(&id, &p.Epoch, &p.Seq)
		heads[id] = p
		return err
	})
}
