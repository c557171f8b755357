package orm_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"go.uber.org/goleak"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/reeve-run/reeve/examples/orm"
	"github.com/reeve-run/reeve/internal/pgtest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }

type Account struct {
	ID      int64  `db:"id" bun:"id,pk,autoincrement"`
	Name    string `db:"name"`
	Balance int64  `db:"balance"`
}

// open is a database under the guard with the table accounts.
func open(t *testing.T) *sql.DB {
	t.Helper()
	cfg, err := pgx.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(sessionsql.Watch(stdlib.GetConnector(*cfg), sessionsql.WithMaxOpen(2)))
	t.Cleanup(func() {
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections in use", n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE accounts (id bigserial PRIMARY KEY, name text, balance bigint)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func names(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM accounts`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGorm(t *testing.T) {
	db := open(t)
	var kept *gorm.DB
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) (err error) {
		if kept, err = orm.Gorm(ctx, tx); err != nil {
			return err
		}
		if err := kept.Create(&Account{Name: "a", Balance: 7}).Error; err != nil {
			return err
		}
		inner := kept.Transaction(func(sub *gorm.DB) error { // a savepoint
			return errors.Join(sub.Create(&Account{Name: "b"}).Error, errors.New("undo"))
		})
		if inner == nil {
			t.Error("the savepoint was kept")
		}
		var got Account
		if err := kept.Where("name = ?", "a").First(&got).Error; err != nil || got.Balance != 7 {
			t.Errorf("got %v, %v", got, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := names(t, db); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	if err := kept.WithContext(t.Context()).Create(&Account{Name: "late"}).Error; !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("a handle that was kept: got %v", err)
	}
}

func TestBun(t *testing.T) {
	db := open(t)
	orm := bun.NewDB(db, pgdialect.New())
	var kept *sessionsql.Tx
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		kept = tx
		if _, err := orm.NewInsert().Conn(tx).Model(&Account{Name: "a", Balance: 7}).Exec(ctx); err != nil {
			return err
		}
		var got []Account
		if err := orm.NewSelect().Conn(tx).Model(&got).Scan(ctx); err != nil || len(got) != 1 || got[0].Balance != 7 {
			t.Errorf("got %v, %v", got, err)
		}
		_, err := orm.NewDelete().Model(&got).WherePK().Exec(ctx) // without Conn: beside the unit
		if e, ok := errors.AsType[*session.IllegalStateError](err); !ok || e.Rule != session.RuleNested {
			t.Errorf("beside the unit: got %v", err)
		}
		return nil
	})
	if err != nil || names(t, db) != 1 {
		t.Fatal(err)
	}
	if err := orm.NewSelect().Conn(kept).Model(&[]Account{}).Scan(t.Context()); !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("a unit that was kept: got %v", err)
	}
}

func TestEnt(t *testing.T) {
	db := open(t)
	var kept dialect.Driver
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		kept = orm.Ent(tx)
		query, args := entsql.Dialect(dialect.Postgres).Insert("accounts").Columns("name", "balance").Values("a", 7).Query()
		if err := kept.Exec(ctx, query, args, nil); err != nil {
			return err
		}
		query, args = entsql.Dialect(dialect.Postgres).Select("balance").From(entsql.Table("accounts")).Query()
		var rows entsql.Rows
		if err := kept.Query(ctx, query, args, &rows); err != nil {
			return err
		}
		if balance, err := entsql.ScanInt64(rows); err != nil || balance != 7 {
			t.Errorf("got %d, %v", balance, err)
		}
		inner, err := kept.Tx(ctx) // as ent does around a create with edges
		if err != nil {
			return err
		}
		return errors.Join(inner.Commit(), rows.Close())
	})
	if err != nil || names(t, db) != 1 {
		t.Fatal(err)
	}
	if err := kept.Exec(t.Context(), `DELETE FROM accounts`, []any{}, nil); !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("a driver that was kept: got %v", err)
	}
}

// The line that is named is the author's, also below gorm's many calls.
func TestTheAuthorsLineIsFoundBelowGorm(t *testing.T) {
	db := open(t)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), &gorm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tx := g.WithContext(t.Context()).Begin()
	defer tx.Rollback()
	for _, u := range session.Units() {
		if !strings.HasSuffix(u.Opened.File, "orm_test.go") || !u.InTx {
			t.Errorf("opened at %s", u.Opened)
		}
	}
	if n := len(session.Units()); n != 1 {
		t.Errorf("%d units", n)
	}
	if err := tx.Create(&Account{Name: "a"}).Error; err != nil {
		t.Fatal(err)
	}
}

func TestSqlx(t *testing.T) {
	db := open(t)
	var kept orm.Sqlx
	err := sessionsql.Do(t.Context(), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		kept = orm.Sqlx{Tx: tx}
		if _, err := kept.NamedExec(ctx, `INSERT INTO accounts (name, balance) VALUES (:name, :balance)`, Account{Name: "a", Balance: 7}); err != nil {
			return err
		}
		var all []Account
		var one Account
		if err := errors.Join(
			kept.Select(ctx, &all, `SELECT * FROM accounts`),
			kept.Get(ctx, &one, `SELECT * FROM accounts WHERE name = $1`, "a"),
		); err != nil || len(all) != 1 || all[0] != one {
			t.Errorf("got %v, %v, %v", all, one, err)
		}
		if err := kept.Get(ctx, &one, `SELECT * FROM accounts WHERE name = 'x'`); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil || names(t, db) != 1 {
		t.Fatal(err)
	}
	if err := kept.Select(t.Context(), &[]Account{}, `SELECT * FROM accounts`); !errors.Is(err, session.ErrIllegalState) {
		t.Errorf("a unit that was kept: got %v", err)
	}
}
