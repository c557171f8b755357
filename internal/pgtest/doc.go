// Package pgtest gives tests a real PostgreSQL: one server for each test binary,
// one database for each test.
//
// The server is Debian's (or whatever initdb is found), in a short temporary
// folder, on a socket only, without fsync unless asked for; it goes with the test
// binary, also when that is killed. REEVE_TEST_PG_DSN names a server to use instead;
// its role must be allowed to create databases.
//
// Where there is none, tests are skipped with a message that says what to install;
// with CI=true they fail.
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M(m)) }
//	func TestX(t *testing.T)    { pool, err := pgxpool.New(t.Context(), pgtest.Database(t)) … }
package pgtest
