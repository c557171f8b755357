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
		{[]string{"LISTEN a", "UNLISTEN *"}, ""},
		{[]string{"SELECT pg_advisory_lock(1)"}, "an advisory lock"},
		{[]string{"select pg_try_advisory_lock(1)", "select pg_advisory_unlock(1)"}, ""},
		{[]string{"SELECT pg_advisory_xact_lock(1)"}, ""},
		{[]string{"SELECT pg_advisory_lock(1)", "SET x = 1", "DISCARD ALL"}, ""},
		{[]string{"BEGIN", "SET x = 1"}, "a transaction begun by a statement, a setting"},
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

func TestNilTakesNoNotes(t *testing.T) {
	var n *leftover.Notes
	n.Add("BEGIN")
	if n.String() != "" {
		t.Error(n.String())
	}
}
