package sqlc_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/reeve-run/reeve/examples/sqlc/accounts"
	"github.com/reeve-run/reeve/examples/sqlc/accountspgx"
	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionpgx"
	"github.com/reeve-run/reeve/session/sessionsql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }

const schema = `CREATE TABLE accounts (name text, balance bigint); INSERT INTO accounts VALUES ('a', 100), ('b', 0)`

func TestDatabaseSQL(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(schema); err != nil {
		t.Fatal(err)
	}
	var kept *accounts.Queries
	err = sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		kept = accounts.New(tx)
		return errors.Join(
			kept.AddBalance(ctx, accounts.AddBalanceParams{Amount: -30, Name: "a"}),
			kept.AddBalance(ctx, accounts.AddBalanceParams{Amount: 30, Name: "b"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := accounts.New(db).Balances(t.Context())
	if err != nil || !slices.Equal(got, []int64{70, 30}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := kept.Balances(t.Context()); !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("queries that were kept: got %v", err)
	}
}

func TestPgx(t *testing.T) {
	p, err := pgxpool.New(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	var kept *accountspgx.Queries
	err = sessionpgx.Do(t.Context(), p, func(ctx context.Context, tx pgx.Tx) error {
		kept = accountspgx.New(tx)
		return kept.AddBalance(ctx, accountspgx.AddBalanceParams{Amount: -30, Name: "a"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := accountspgx.New(p).Balance(t.Context(), "a"); err != nil || n != 70 {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := kept.Balance(t.Context(), "a"); !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("queries that were kept: got %v", err)
	}
}
