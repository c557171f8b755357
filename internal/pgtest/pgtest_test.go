package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }

func exec(t *testing.T, dsn, query string) {
	t.Helper()
	if err := try(t, dsn, query); err != nil {
		t.Fatal(err)
	}
}

func try(t *testing.T, dsn, query string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	defer func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	_, err = conn.Exec(t.Context(), query)
	return err
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	prepare := func(dsn string) error { return try(t, dsn, `CREATE TABLE a (n int)`) }
	one := pgtest.DatabaseLike(t, "a", prepare)
	exec(t, one, `INSERT INTO a VALUES (1); CREATE TABLE b ()`)
	exec(t, pgtest.DatabaseLike(t, "a", prepare), `CREATE TABLE b (); SELECT 1/(1-count(*)) FROM a`)
	if err := try(t, pgtest.Database(t), `SELECT * FROM a`); err == nil {
		t.Error("an empty database has a table")
	}
}

func TestADurableServerOutlivesItsCrash(t *testing.T) {
	pgtest.Database(t) // skips where there is no PostgreSQL
	s, err := pgtest.Start(true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	exec(t, s.DSN("postgres"), `CREATE TABLE a AS SELECT 1 AS n`)
	s.Kill()
	if err := try(t, s.DSN("postgres"), `SELECT 1`); err == nil {
		t.Error("the server answers after its crash")
	}
	if err := s.Launch(); err != nil {
		t.Fatal(err)
	}
	exec(t, s.DSN("postgres"), `SELECT 1/count(*) FROM a`)
}
