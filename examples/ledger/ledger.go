package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// bank is who pays a deposit: it has no account.
const bank = "bank"

// ledger has a pool, never a session: each movement opens its own unit and ends it.
type ledger struct {
	pool session.Pool[*sessionsql.Tx]
}

// Deposit brings money in.
type Deposit struct {
	Account string `json:"account"`
	Cents   int64  `json:"cents"`
}

// Transfer moves money from one account to another.
type Transfer struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Cents int64  `json:"cents"`
}

// Balance is what an account holds.
type Balance struct {
	Account string `json:"account"`
	Cents   int64  `json:"cents"`
}

func (l ledger) deposit() *agent.Agent[Deposit, Balance] {
	return agent.New("deposit", func(ctx agent.Context, d Deposit) (Balance, error) {
		if d.Account == "" || d.Cents <= 0 {
			return Balance{}, reeve.Errorf(reeve.CodeInvalid, "deposit %d cents to %q: want an account and more than 0", d.Cents, d.Account)
		}
		return agent.Tx(ctx, "pay in", l.pool, func(ctx context.Context, tx *sessionsql.Tx) (Balance, error) {
			return credit(ctx, tx, bank, d.Account, d.Cents)
		})
	})
}

func (l ledger) transfer() *agent.Agent[Transfer, []Balance] {
	return agent.New("transfer", func(ctx agent.Context, t Transfer) ([]Balance, error) {
		if t.From == "" || t.To == "" || t.From == t.To || t.Cents <= 0 {
			return nil, reeve.Errorf(reeve.CodeInvalid, "transfer %d cents from %q to %q: want two accounts and more than 0", t.Cents, t.From, t.To)
		}
		return agent.Tx(ctx, "move", l.pool, func(ctx context.Context, tx *sessionsql.Tx) ([]Balance, error) {
			from, err := debit(ctx, tx, t.From, t.Cents)
			if err != nil {
				return nil, err
			}
			to, err := credit(ctx, tx, t.From, t.To, t.Cents)
			return []Balance{from, to}, err
		})
	})
}

// debit takes money from an account that has it.
func debit(ctx context.Context, tx *sessionsql.Tx, account string, cents int64) (Balance, error) {
	b := Balance{Account: account}
	const take = `UPDATE accounts SET cents = cents - ?2 WHERE name = ?1 AND cents >= ?2 RETURNING cents`
	err := tx.QueryRowContext(ctx, take, account, cents).Scan(&b.Cents)
	if errors.Is(err, sql.ErrNoRows) {
		return b, reeve.Errorf(reeve.CodeConflict, "%s does not have %d cents", account, cents)
	}
	if err != nil {
		return b, fmt.Errorf("debit %s: %w", account, err)
	}
	return b, nil
}

// credit gives money to an account, which it opens at need, and writes the movement down.
func credit(ctx context.Context, tx *sessionsql.Tx, payer, account string, cents int64) (Balance, error) {
	b := Balance{Account: account}
	const give = `INSERT INTO accounts (name, cents) VALUES (?1, ?2)
		ON CONFLICT (name) DO UPDATE SET cents = cents + excluded.cents RETURNING cents`
	if err := tx.QueryRowContext(ctx, give, account, cents).Scan(&b.Cents); err != nil {
		return b, fmt.Errorf("credit %s: %w", account, err)
	}
	const note = `INSERT INTO movements (payer, payee, cents) VALUES (?, ?, ?)`
	if _, err := tx.ExecContext(ctx, note, payer, account, cents); err != nil {
		return b, fmt.Errorf("note the movement to %s: %w", account, err)
	}
	return b, nil
}
