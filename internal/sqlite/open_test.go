package sqlite_test

import (
	"bytes"
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/sqlite"
)

func accept(id reeve.ThreadID) *journal.Accept {
	return &journal.Accept{Thread: id, Create: true, Owner: "ann", Agent: "echo", Input: []byte(`{"text":"hi"}`)}
}

// A path is a path: nothing in it is taken for a part of a URI.
func TestPathsOfEveryShape(t *testing.T) {
	for _, name := range []string{"with space", "what?", "100%", "a#b", "%41", "ü", "a&b=c", "semi;colon", "?mode=memory"} {
		path := filepath.Join(t.TempDir(), name, name+".db")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Readers: 1})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		commitAll(t, s, []journal.Op{accept("tea")})
		if _, err := s.Thread(t.Context(), "tea"); err != nil {
			t.Errorf("%q: a reader: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 || files[0].Name() != name+".db" {
			t.Errorf("%q: after the close there are %v, %v", name, files, err)
		}
	}
}

// Each of these must be refused with a reason, before anything is changed.
func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"text":                {writeFile([]byte("dear diary\n")), "not an SQLite database"},
		"one byte":            {writeFile([]byte("S")), "not an SQLite database"},
		"a directory":         {func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) }, "is a directory"},
		"only a header":       {writeFile(append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{7}, 4080)...)), "damaged"},
		"a damaged page":      {damage, "damaged"},
		"read-only file":      {readOnly, "read-only"},
		"read-only directory": {func(t *testing.T, path string) { check(t, os.Chmod(filepath.Dir(path), 0o500)) }, "read-only"},
		"a newer schema":      {newer, "start the newer reeve"},
		"another program's":   {foreign, "not reeve's"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "reeve.db")
			c.make(t, path)
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
			if err == nil {
				_ = s.Close()
			}
			if reeve.CodeOf(err) != reeve.CodeUnavailable || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: %v; want CodeUnavailable with %q", err, c.want)
			}
		})
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{}); reeve.CodeOf(err) != reeve.CodeInvalid {
		t.Errorf("open without a path: %v", err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(body []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) { check(t, os.WriteFile(path, body, 0o600)) }
}

// filled makes a database of some pages.
func filled(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	check(t, err)
	holders := claimMany(t, s, 200)
	batch := make([]journal.Op, 0, len(holders))
	for _, h := range holders {
		batch = append(batch, h.step())
	}
	commitAll(t, s, batch)
	check(t, s.Close())
}

func damage(t *testing.T, path string) {
	filled(t, path)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	defer func() { check(t, f.Close()) }()
	info, err := f.Stat()
	check(t, err)
	noise := make([]byte, info.Size()-2*4096)
	random := rand.NewChaCha8([32]byte{1})
	_, err = random.Read(noise)
	check(t, err)
	_, err = f.WriteAt(noise, 2*4096) // the first two pages still look like a database
	check(t, err)
}

func readOnly(t *testing.T, path string) {
	filled(t, path)
	check(t, os.Chmod(path, 0o400))
}

func newer(t *testing.T, path string) {
	filled(t, path)
	byHand(t, path, `INSERT INTO reeve_schema VALUES (1000, 999, '1000_later', 0)`)
}

func foreign(t *testing.T, path string) { byHand(t, path, `CREATE TABLE recipes (name TEXT)`) }

// byHand is a person with the sqlite3 shell.
func byHand(t *testing.T, path, text string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	check(t, err)
	defer func() { check(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), text, args...)
	check(t, err)
}

// A newer schema that says it may be used by this program, is.
func TestOpenNewerSchemaThatAllowsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reeve.db")
	filled(t, path)
	byHand(t, path, `INSERT INTO reeve_schema VALUES (1000, 1, '1000_later', 0)`)
	s := openAt(t, path)
	commitAll(t, s, []journal.Op{accept("tea")})
}

func TestMigrateSaysWhatItDid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reeve.db")
	first, err := sqlite.Migrate(t.Context(), sqlite.Config{Path: path})
	check(t, err)
	if first.From != 0 || first.To < 1 || len(first.Applied) != first.To || first.Applied[0] != "0001_spine" {
		t.Errorf("migration of a new file: %+v", first)
	}
	second, err := sqlite.Migrate(t.Context(), sqlite.Config{Path: path})
	check(t, err)
	if second.From != first.To || second.To != first.To || len(second.Applied) != 0 {
		t.Errorf("migration of a file that is up to date: %+v", second)
	}
}

// After a restore every position is of another epoch, also when the same backup is restored twice.
func TestRestored(t *testing.T) {
	s := open(t)
	commitAll(t, s, []journal.Op{accept("tea")})
	seen := map[int64]bool{}
	for range 3 {
		thread, err := s.Thread(t.Context(), "tea")
		check(t, err)
		if seen[thread.Epoch] {
			t.Errorf("epoch %d twice", thread.Epoch)
		}
		seen[thread.Epoch] = true
		epoch, err := s.Restored(t.Context())
		check(t, err)
		res := commitAll(t, s, []journal.Op{accept("tea"), accept("new")})
		for _, r := range res {
			if r.Entries[0].Epoch != epoch {
				t.Errorf("after the restore thread %s writes in epoch %d, want %d", r.Run.Thread, r.Entries[0].Epoch, epoch)
			}
		}
	}
}
