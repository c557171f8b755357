package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// logColumns, in the order in which add puts them aside.
const logColumns = `thread, seq, first, run, number, n, attempt, try, at, kind, path, scope, name, data`

const logWidth = 14

// defaultMaxBytes bounds the data of one reading of entries.
const defaultMaxBytes = 8 << 20

// Entries reads a stretch of a thread's log.
func (s *Store) Entries(ctx context.Context, q journal.EntryQuery) ([]reeve.Entry, error) {
	p := page{q: q, maxBytes: cmp.Or(q.MaxBytes, defaultMaxBytes)}
	err := s.read(ctx, "read entries of thread "+string(q.Thread), func(ctx context.Context, tx *sessionsql.Tx) error {
		var k, first int64
		err := tx.QueryRowContext(ctx, `SELECT k, epoch, first_seq, last_seq FROM threads WHERE id = ?`, string(q.Thread)).
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
		where.WriteString(` AND kind = 'message.added'`)
	case q.Kinds != nil:
		kinds, err := json.Marshal(q.Kinds)
		if err != nil {
			return "", nil, err
		}
		where.WriteString(` AND kind IN (SELECT value FROM json_each(?))`)
		filters = append(filters, string(kinds))
	}
	if q.Without != "" {
		where.WriteString(` AND kind <> ?`)
		filters = append(filters, string(q.Without))
	}
	return `SELECT seq, first, run, n, attempt, try, at, kind, path, scope, name, data FROM ` + from +
		` WHERE thread = ? AND seq >= ? AND seq <= ?` + where.String() + ` ORDER BY seq LIMIT ?`, filters, nil
}

// add takes a row. The first always fits; errFull ends the reading.
func (p *page) add(scan scanner) error {
	e := reeve.Entry{Thread: p.q.Thread, Epoch: p.epoch}
	var run, at int64
	var data []byte
	if err := scan(&e.Seq, &e.First, &run, &e.N, &e.Attempt, &e.Try, &at, &e.Kind, &e.Path, &e.Scope, &e.Name, &data); err != nil {
		return err
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
