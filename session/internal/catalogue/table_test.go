package catalogue_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of what was seen into the README of package session")

// seen is what the bare libraries did, by misuse and system.
type seen map[string]map[string]outcome

func (s seen) report(name, system string, o outcome) {
	if s[name] == nil {
		s[name] = map[string]outcome{}
	}
	s[name][system] = o
}

const (
	readme = "../../README.md"
	begin  = "<!-- table: go test ./session/internal/catalogue -update -->\n"
	end    = "<!-- end of table -->"
)

// TestCatalogue runs every misuse, and holds the README to what it saw.
func TestCatalogue(t *testing.T) {
	s := seen{}
	whole := t.Run("sql", func(t *testing.T) { trySQL(t, s) })
	whole = t.Run("pgx", func(t *testing.T) { tryPgx(t, s) }) && whole
	if testing.Short() || !whole || len(s) < len(names()) {
		return // only a part was run, or has failed already
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the README has no place for the table")
	}
	want := before + begin + s.table() + end + after
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README's table is not what was seen (run go test -update):\n%s", s.table())
	}
}

// names are the misuses, in the order of the catalogue.
func names() []string {
	var all []string
	for _, m := range catalogueSQL {
		all = append(all, m.name)
	}
	for _, m := range cataloguePgx {
		if !slices.Contains(all, m.name) {
			all = append(all, m.name)
		}
	}
	return all
}

func (s seen) table() string {
	systems := []string{"SQLite", "PostgreSQL", "pgx"}
	var b strings.Builder
	b.WriteString("| what is done | `database/sql`, SQLite | `database/sql`, PostgreSQL | pgx | with the guard |\n|---|---|---|---|---|\n")
	for _, name := range names() {
		fmt.Fprintf(&b, "| %s |", name)
		for _, system := range systems {
			o := s[name][system]
			if o == "" {
				o = "-"
			}
			fmt.Fprintf(&b, " %s |", o)
		}
		b.WriteString(" `IllegalStateError` |\n")
	}
	return b.String()
}
