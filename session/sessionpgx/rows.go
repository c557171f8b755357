package sessionpgx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/reeve-run/reeve/session"
)

// querier is what pgx.Tx and *pgxpool.Conn have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func (u *unit) query(ctx context.Context, q querier, sql string, args []any) (pgx.Rows, error) {
	if err := u.enter(session.OpQuery, sql); err != nil {
		return noRows{err}, err
	}
	inner, err := q.Query(u.own(ctx), sql, args...)
	if err != nil {
		u.exit(session.OpQuery)
		return inner, u.explain(session.OpQuery, err)
	}
	u.pause(session.OpQuery)
	return &rows{Rows: inner, unit: u}, nil
}

// rows keep the unit busy until they are closed, or read to their end. Only
// one goroutine at a time may be inside.
type rows struct {
	pgx.Rows
	unit *unit
	over bool
	err  error
}

// enter claims the unit for reading on. It is refused after the unit's end, and
// while another goroutine reads.
func (r *rows) enter() bool {
	if r.over {
		return false
	}
	err := r.unit.hold.Resume(session.OpQuery)
	if err != nil && r.err == nil {
		r.err = err
	}
	return err == nil
}

// leave gives the unit back: for good when the rows are over.
func (r *rows) leave(over bool) {
	if over {
		r.over = true
		r.unit.exit(session.OpQuery)
		return
	}
	r.unit.pause(session.OpQuery)
}

func (r *rows) Next() bool {
	if !r.enter() {
		return false
	}
	more := r.Rows.Next()
	r.leave(!more)
	return more
}

func (r *rows) Close() {
	if r.enter() {
		r.Rows.Close()
		r.leave(true)
	}
}

func (r *rows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.unit.explain(session.OpQuery, r.Rows.Err())
}

func (r *rows) Scan(dest ...any) error {
	if !r.enter() {
		return r.refused()
	}
	err := r.Rows.Scan(dest...)
	r.leave(err != nil) // pgx closes rows whose scan failed
	return err
}

func (r *rows) Values() ([]any, error) {
	if !r.enter() {
		return nil, r.refused()
	}
	v, err := r.Rows.Values()
	r.leave(err != nil)
	return v, err
}

func (r *rows) RawValues() [][]byte {
	if !r.enter() {
		return nil
	}
	defer r.leave(false)
	return r.Rows.RawValues()
}

func (r *rows) Conn() *pgx.Conn {
	r.unit.raw = true
	return r.Rows.Conn()
}

func (r *rows) refused() error {
	if r.err != nil {
		return r.err
	}
	return errors.Join(errRowsOver, r.Rows.Err())
}

var errRowsOver = errors.New("sessionpgx: the rows are closed")

// noRows are the rows of a query that was refused.
type noRows struct{ err error }

func (noRows) Close()                                       {}
func (n noRows) Err() error                                 { return n.err }
func (noRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (noRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (noRows) Next() bool                                   { return false }
func (n noRows) Scan(...any) error                          { return n.err }
func (n noRows) Values() ([]any, error)                     { return nil, n.err }
func (noRows) RawValues() [][]byte                          { return nil }
func (noRows) Conn() *pgx.Conn                              { return nil }
func (noRows) TypeMap() *pgtype.Map                         { return nil }

func (u *unit) queryRow(ctx context.Context, q querier, sql string, args []any) pgx.Row {
	if err := u.enter(session.OpQueryRow, sql); err != nil {
		return noRows{err}
	}
	inner := q.QueryRow(u.own(ctx), sql, args...)
	u.pause(session.OpQueryRow)
	return &row{inner: inner, unit: u}
}

// row keeps the unit busy until it is scanned.
type row struct {
	inner pgx.Row
	unit  *unit
}

func (r *row) Scan(dest ...any) error {
	if err := r.unit.hold.Resume(session.OpQueryRow); err != nil {
		return err
	}
	err := r.inner.Scan(dest...)
	r.unit.exit(session.OpQueryRow)
	if errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return r.unit.explain(session.OpQueryRow, err)
}
