package catalogue_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the table of what was seen into the README of package session")

// seen is what the bare libraries did, by misuse and system.
var seen = struct {
	sync.Mutex
	names []string
	by    map[string]map[string]outcome
}{by: map[string]map[string]outcome{}}

func report(name, system string, o outcome) {
	seen.Lock()
	defer seen.Unlock()
	if seen.by[name] == nil {
		seen.by[name] = map[string]outcome{}
		seen.names = append(seen.names, name)
	}
	seen.by[name][system] = o
}

const (
	readme = "../../README.md"
	begin  = "<!-- table: go test ./session/internal/catalogue -update -->\n"
	end    = "<!-- end of table -->"
)

// TestTable comes last in the package's order of files: it holds the README to
// what the other tests saw.
func TestTable(t *testing.T) {
	if testing.Short() || len(seen.names) == 0 || slices.ContainsFunc(seen.names, func(n string) bool { return len(seen.by[n]) == 0 }) {
		t.Skip("the other tests did not run")
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
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("the README's table is not what was seen (run go test -update):\n%s", table())
	}
}

func table() string {
	systems := []string{"SQLite", "PostgreSQL", "pgx"}
	var b strings.Builder
	b.WriteString("| what is done | `database/sql`, SQLite | `database/sql`, PostgreSQL | pgx | with the guard |\n|---|---|---|---|---|\n")
	for _, name := range seen.names {
		fmt.Fprintf(&b, "| %s |", name)
		for _, s := range systems {
			o := seen.by[name][s]
			if o == "" {
				o = "-"
			}
			fmt.Fprintf(&b, " %s |", o)
		}
		b.WriteString(" `IllegalStateError` |\n")
	}
	return b.String()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
