package accounts

import (
	"context"
	"database/sql"
)

// DBTX is what sqlc asks of a database/sql handle.
type DBTX interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
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
	_, err := q.db.ExecContext(ctx, addBalance, arg.Amount, arg.Name)
	return err
}

const balances = `SELECT balance FROM accounts ORDER BY name`

// Balances lists all balances by name.
func (q *Queries) Balances(ctx context.Context) ([]int64, error) {
	rows, err := q.db.QueryContext(ctx, balances)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		items = append(items, n)
	}
	return items, rows.Err()
}
