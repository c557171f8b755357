package sessionpgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/reeve-run/reeve/session"
)

func (u *unit) sendBatch(ctx context.Context, q querier, b *pgx.Batch) pgx.BatchResults {
	if err := u.hold.Enter(session.OpBatch); err != nil {
		return noBatch{err}
	}
	inner := q.SendBatch(u.own(ctx), b)
	u.pause(session.OpBatch)
	return &batch{BatchResults: inner, unit: u}
}

// batch keeps the unit busy until it is closed.
type batch struct {
	pgx.BatchResults
	unit *unit
	over bool
}

func (b *batch) Exec() (pgconn.CommandTag, error) {
	if err := b.unit.hold.Resume(session.OpBatch); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := b.BatchResults.Exec()
	b.unit.pause(session.OpBatch)
	return tag, err
}

func (b *batch) Query() (pgx.Rows, error) {
	if err := b.unit.hold.Resume(session.OpBatch); err != nil {
		return noRows{err}, err
	}
	rows, err := b.BatchResults.Query()
	b.unit.pause(session.OpBatch)
	return rows, err
}

func (b *batch) QueryRow() pgx.Row {
	if err := b.unit.hold.Resume(session.OpBatch); err != nil {
		return noRows{err}
	}
	row := b.BatchResults.QueryRow()
	b.unit.pause(session.OpBatch)
	return row
}

func (b *batch) Close() error {
	if b.over {
		return b.BatchResults.Close() // which says again what it said first
	}
	if err := b.unit.hold.Resume(session.OpBatch); err != nil {
		return err
	}
	err := b.BatchResults.Close()
	b.over = true
	b.unit.exit(session.OpBatch)
	return b.unit.explain(session.OpBatch, err)
}

// Tx is nil: a batch that begins a transaction of its own has no place in a unit.
func (b *batch) Tx() pgx.Tx { return nil }

// noBatch is the result of a batch that was refused.
type noBatch struct{ err error }

func (n noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, n.err }
func (n noBatch) Query() (pgx.Rows, error)         { return noRows(n), n.err }
func (n noBatch) QueryRow() pgx.Row                { return noRows(n) }
func (n noBatch) Close() error                     { return n.err }
func (n noBatch) Tx() pgx.Tx                       { return nil }
