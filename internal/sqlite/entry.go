package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// logColumns of a usual entry, in the order in which add puts them aside. The others are NULL
// then: first is seq, and scope and name can be told from the path.
const (
	logColumns = `thread, seq, run, number, n, attempt, try, at, kind, path, data`
	logWidth   = 11
	oddColumns = logColumns + `, scope, name`
	oddWidth   = logWidth + 2
)

// operation is the scope and the name that a path usually has: what stands before the last
// slash, and what stands behind it without [key] and #n. An entry without a number belongs
// to no operation.
func operation(path string, n int) (scope, name string) {
	if n == 0 {
		return "", ""
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		scope, path = path[:i], path[i+1:]
	}
	if i := strings.IndexAny(path, "[#"); i >= 0 {
		path = path[:i]
	}
	return scope, path
}

// defaultMaxBytes bounds the data of one reading of entries.
const defaultMaxBytes = 8 << 20

// Entries reads a stretch of a thread's log.
func (s *Store) Entries(ctx context.Context, q journal.EntryQuery) ([]reeve.Entry, error) {
	p := page{q: q, maxBytes: cmp.Or(q.MaxBytes, defaultMaxBytes)}
	err := s.read(ctx, "read entries of thread "+string(q.Thread), func(ctx context.Context, tx *sessionsql.Tx) error {
		var k, first int64
		err := tx.QueryRowContext(ctx, `SELECT t.k, t.epoch, t.first_seq, `+lastSeq+` FROM threads t WHERE t.id = ?`, string(q.Thread)).
			Scan(&k, &p.epoch, &first, &p.last)
		if errors.Is(err, sql.ErrNoRows) {
			return noThread(q.Thread)
		}
		if err != nil {
			return err
		}
		stretches := []stretch{{max(q.After+1, first), p.last}}
		if q.Run != "" {
			if stretches, err = runStretches(ctx, tx, k, q, p.last); err != nil {
				return err
			}
		}
		return p.read(ctx, tx, k, stretches)
	})
	if err != nil {
		return nil, err
	}
	return p.entries, nil
}

// stretch is a part of a log, both ends included.
type stretch struct{ from, to int64 }

// runStretches is where a run's entries stand: its acceptance, and from its first start
// to its end. What the thread did while the run waited for its turn is not read.
func runStretches(ctx context.Context, tx *sessionsql.Tx, k int64, q journal.EntryQuery, last int64) ([]stretch, error) {
	var first, input, end, startedAt int64
	err := tx.QueryRowContext(ctx, `SELECT first_seq, input_seq, last_seq, started_at FROM runs WHERE thread = ? AND n = ?`, k, q.Run.N()).
		Scan(&first, &input, &end, &startedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	accepted := stretch{first, first + 1}
	lived := stretch{input + 1, cmp.Or(end, last)}
	if startedAt == 0 { // ended in the queue: the request to cancel, and the end
		lived.from = max(end-1, accepted.to+1)
	}
	if startedAt == 0 && end == 0 {
		lived.to = 0
	}
	return []stretch{{max(accepted.from, q.After+1), accepted.to}, {max(lived.from, accepted.to+1, q.After+1), lived.to}}, nil
}

// page gathers entries until it is full.
type page struct {
	q           journal.EntryQuery
	epoch, last int64
	maxBytes    int
	bytes       int
	full        bool
	entries     []reeve.Entry
}

func (p *page) read(ctx context.Context, tx *sessionsql.Tx, k int64, stretches []stretch) error {
	text, filters, err := entriesText(p.q)
	if err != nil {
		return err
	}
	for _, s := range stretches {
		if p.full || s.from > s.to {
			continue
		}
		limit := -1
		if p.q.Limit > 0 {
			limit = p.q.Limit - len(p.entries)
		}
		args := append(append([]any{k, s.from, s.to}, filters...), limit)
		if err := scanAll(ctx, tx, text, args, p.add); err != nil {
			return err
		}
	}
	return nil
}

// entriesText is the statement of a query. Messages have an index of their own, because
// a run on a long thread reads them all and nothing else.
func entriesText(q journal.EntryQuery) (text string, filters []any, err error) {
	var where strings.Builder
	from := `log INDEXED BY log_position`
	if q.Run != "" {
		where.WriteString(` AND run = ?`)
		filters = append(filters, q.Run.N())
	}
	switch {
	case len(q.Kinds) == 1 && q.Kinds[0] == reeve.KindMessageAdded:
		from = `log INDEXED BY log_messages`
		where.WriteString(` AND kind = 1`)
	case q.Kinds != nil:
		list, err := kindList(q.Kinds)
		if err != nil {
			return "", nil, err
		}
		where.WriteString(` AND kind IN (SELECT value FROM json_each(?))`)
		filters = append(filters, list)
	}
	if q.Without != "" {
		where.WriteString(` AND kind <> ?`)
		filters = append(filters, kindValue(q.Without))
	}
	return `SELECT seq, coalesce(first, seq), run, n, attempt, try, at, kind, path, scope, name, data FROM ` + from +
		` WHERE thread = ? AND seq >= ? AND seq <= ?` + where.String() + ` ORDER BY seq LIMIT ?`, filters, nil
}

// add takes a row. The first always fits; errFull ends the reading.
func (p *page) add(scan scanner) error {
	e := reeve.Entry{Thread: p.q.Thread, Epoch: p.epoch}
	var run, at int64
	var data []byte
	var scope, name sql.NullString
	err := scan(&e.Seq, &e.First, &run, &e.N, &e.Attempt, &e.Try, &at, (*kindColumn)(&e.Kind), &e.Path, &scope, &name, &data)
	if err != nil {
		return err
	}
	e.Scope, e.Name = scope.String, name.String
	if !name.Valid {
		e.Scope, e.Name = operation(e.Path, e.N)
	}
	if len(p.entries) > 0 && p.bytes+len(data) > p.maxBytes {
		p.full = true
		return errEnough
	}
	if run != 0 {
		e.Run = reeve.MakeRunID(p.q.Thread, run)
	}
	e.At, e.Data = timeOf(at), data
	p.bytes += len(data)
	p.entries = append(p.entries, e)
	return nil
}
