package leftover_test

import (
	"testing"

	"github.com/reeve-run/reeve/session/internal/leftover"
)

func TestNotes(t *testing.T) {
	for _, c := range []struct {
		statements []string
		want       string
	}{
		{nil, ""},
		{[]string{"", " ( ;"}, ""},
		{[]string{"SELECT 1", "UPDATE t SET n = 1", "DELETE FROM t"}, ""},
		{[]string{"begin"}, "a transaction begun by a statement"},
		{[]string{"START TRANSACTION", "COMMIT"}, ""},
		{[]string{"BEGIN", "rollback to a"}, "a transaction begun by a statement"},
		{[]string{"BEGIN", "ROLLBACK;"}, ""},
		{[]string{"SET LOCAL x = 1", "set transaction read only"}, ""},
		{[]string{"SET x = 1"}, "a setting"},
		{[]string{"SET x = 1", "RESET ALL"}, ""},
		{[]string{"SET x TO DEFAULT", "set y = default;"}, ""},
		{[]string{"BEGIN", "SET x = 1", "ROLLBACK"}, ""},
		{[]string{"BEGIN", "SET x = 1", "ROLLBACK TO SAVEPOINT a", "COMMIT"}, "a setting"},
		{[]string{"BEGIN", "ROLLBACK WORK TO a"}, "a transaction begun by a statement"},
		{[]string{"BEGIN", "END TRANSACTION"}, ""},
		{[]string{"LISTEN a", "UNLISTEN *"}, ""},
		{[]string{"SELECT pg_advisory_lock(1)"}, "an advisory lock"},
		{[]string{"select PG_TRY_ADVISORY_LOCK(1)", "select pg_advisory_unlock(1)"}, "an advisory lock"},
		{[]string{"WITH a AS (SELECT pg_advisory_lock_shared(1)) SELECT 1"}, "an advisory lock"},
		{[]string{"SELECT advisory_lock FROM notes_of_config"}, ""},
		{[]string{"-- name: Begin :exec\nBEGIN"}, "a transaction begun by a statement"},
		{[]string{"/* from here */ begin"}, "a transaction begun by a statement"},
		{[]string{"SELECT 1; BEGIN"}, "a transaction begun by a statement"},
		{[]string{"SELECT ';BEGIN', $a$;BEGIN$a$, \"x;begin\" -- ;BEGIN\n/* ;BEGIN */"}, ""},
		{[]string{"SELECT $1; SELECT $2::text; set a = 1"}, "a setting"},
		{[]string{"SELECT '"}, ""},
		{[]string{"/*"}, ""},
		{[]string{"--"}, ""},
		{[]string{"select set_config('a.b', 'c', true)"}, ""},
		{[]string{"select set_config('a.b', 'c', FALSE)"}, "a setting"},
		{[]string{"SET CONSTRAINTS ALL DEFERRED"}, ""},
		{[]string{"select set_config('a', coalesce($1, ''), false) from t"}, "a setting"},
		{[]string{"BEGIN", "CREATE TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM u; END"}, "a transaction begun by a statement"},
		{[]string{"SET x = 1", "SET x TO DEFAULT"}, ""},
		{[]string{"SELECT pg_advisory_xact_lock(1)"}, ""},
		{[]string{"SELECT pg_advisory_lock(1)", "SET x = 1", "DISCARD ALL"}, ""},
		{[]string{"SET x = 1", "DISCARD TEMP"}, "a setting"},
		{[]string{"BEGIN", "SET x = 1"}, "a transaction begun by a statement"},
	} {
		var n leftover.Notes
		for _, s := range c.statements {
			n.Add(s)
		}
		if n.String() != c.want {
			t.Errorf("%q: got %q, want %q", c.statements, n.String(), c.want)
		}
	}
}

func TestEnds(t *testing.T) {
	for query, want := range map[string]bool{
		"COMMIT": true, " rollback;": true, "-- x\nEND": true, "abort work": true, "ROLLBACK TO a": false,
		"ROLLBACK TRANSACTION TO a": false, "COMMIT PREPARED 'x'": false, "SELECT 1": false, "": false,
		"ROLLBACK AND CHAIN": true, "ALTER TABLE t": false, "RELEASE a": false, "commitment": false,
	} {
		if leftover.Ends(query) != want {
			t.Errorf("%q: want %t", query, want)
		}
	}
}

// What a driver's own transaction sets goes with its rollback.
func TestSettingsOfADriversTransaction(t *testing.T) {
	for committed, want := range map[bool]string{true: "a setting", false: ""} {
		var n leftover.Notes
		n.Begin()
		n.Add("SET x = 1")
		if n.String() != "" {
			t.Errorf("inside: %s", n.String())
		}
		if n.End(committed); n.String() != want {
			t.Errorf("committed %t: %q", committed, n.String())
		}
	}
}

func TestNilTakesNoNotes(t *testing.T) {
	var n *leftover.Notes
	n.Add("BEGIN")
	if n.String() != "" {
		t.Error(n.String())
	}
}

// Whatever is written in a statement, reading it ends.
func FuzzNotes(f *testing.F) {
	for _, q := range []string{"SELECT 1; BEGIN", "/* -- */ $a$ ' ; $a$ set x", "$$", "'", "select set_config(,false"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		var n leftover.Notes
		n.Add(q)
		if got := n.String(); (n.Tx || n.Lock || n.Setting) == (got == "") {
			t.Errorf("%q: %+v says %q", q, n, got)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for b.Loop() {
		var n leftover.Notes
		n.Add("SELECT id, name, created_at FROM accounts WHERE id = $1 AND deleted_at IS NULL")
	}
}
