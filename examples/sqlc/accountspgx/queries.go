package accountspgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DBTX is what sqlc asks of a pgx handle.
type DBTX interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// New makes the queries of a handle.
func New(db DBTX) *Queries { return &Queries{db: db} }

// Queries are the generated methods.
type Queries struct{ db DBTX }

const addBalance = `UPDATE accounts SET balance = balance + $1 WHERE name = $2`

// AddBalanceParams are the arguments of AddBalance.
type AddBalanceParams struct {
	Amount int64
	Name   string
}

// AddBalance changes a balance.
func (q *Queries) AddBalance(ctx context.Context, arg AddBalanceParams) error {
	_, err := q.db.Exec(ctx, addBalance, arg.Amount, arg.Name)
	return err
}

const balance = `SELECT balance FROM accounts WHERE name = $1`

// Balance reads one balance.
func (q *Queries) Balance(ctx context.Context, name string) (int64, error) {
	var n int64
	err := q.db.QueryRow(ctx, balance, name).Scan(&n)
	return n, err
}
