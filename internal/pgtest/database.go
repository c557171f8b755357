package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the server of this test binary: started by the first test that
// needs it, stopped by M.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	number atomic.Int64

	templates sync.Mutex
	made      map[string]string
}

// Runner is what goleak.VerifyTestMain and M take: a *testing.M.
type Runner interface{ Run() int }

// M runs the tests and then stops the server, if one was started.
func M(m Runner) Runner { return stopper{m} }

type stopper struct{ Runner }

func (s stopper) Run() int {
	code := s.Runner.Run()
	if err := clean(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: clean up:", err)
		return max(code, 1)
	}
	return code
}

// clean stops the server, or drops the templates from one that is not ours.
func clean() error {
	if shared.server != nil {
		return shared.server.Stop()
	}
	var errs error
	for _, db := range shared.made {
		errs = errors.Join(errs, run(os.Getenv(given), "DROP DATABASE "+db+" WITH (FORCE)"))
	}
	return errs
}

// Database is the DSN of a new, empty database, which is dropped when the test
// ends. It skips the test where there is no PostgreSQL, and fails it with CI=true.
func Database(t testing.TB) string {
	t.Helper()
	return create(t, "template1")
}

// DatabaseLike is Database, as a copy of one that prepare has filled. Prepare runs
// once for each name in a test binary.
func DatabaseLike(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	shared.templates.Lock()
	defer shared.templates.Unlock()
	if shared.made[name] == "" {
		db := databaseName()
		statement(t, "CREATE DATABASE "+db)
		if err := prepare(dsn(t, db)); err != nil {
			t.Fatalf("pgtest: prepare template %s: %v", name, err)
		}
		if shared.made == nil {
			shared.made = map[string]string{}
		}
		shared.made[name] = db
	}
	return create(t, shared.made[name])
}

func create(t testing.TB, template string) string {
	t.Helper()
	db := databaseName()
	statement(t, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", db, template))
	t.Cleanup(func() { statement(t, "DROP DATABASE "+db+" WITH (FORCE)") })
	return dsn(t, db)
}

func databaseName() string {
	return fmt.Sprintf("reeve_test_%d_%d", os.Getpid(), shared.number.Add(1))
}

// statement runs one statement on the server itself. It does not use the test's
// context, which has ended when cleanups run.
func statement(t testing.TB, query string) {
	t.Helper()
	if err := run(dsn(t, ""), query); err != nil {
		t.Fatalf("pgtest: %s: %v", query, err)
	}
}

func run(dsn, query string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startBound)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, query)
	return errors.Join(err, conn.Close(ctx))
}

// given names the variable that names a server to use.
const given = "REEVE_TEST_PG_DSN"

// dsn names a database of the server that tests use; "" is the one to
// administer from.
func dsn(t testing.TB, database string) string {
	t.Helper()
	if server := os.Getenv(given); server != "" {
		return withDatabase(t, server, database)
	}
	shared.once.Do(func() { shared.server, shared.err = Start(false) })
	if errors.Is(shared.err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	if database == "" {
		database = "postgres"
	}
	return shared.server.DSN(database)
}

func withDatabase(t testing.TB, server, database string) string {
	t.Helper()
	if database == "" {
		return server
	}
	if !strings.HasPrefix(server, "postgres://") && !strings.HasPrefix(server, "postgresql://") {
		return server + " dbname=" + database
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("pgtest: REEVE_TEST_PG_DSN: %v", err)
	}
	u.Path = "/" + database
	return u.String()
}
