package auth

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
)

func ask(t *testing.T, a Authenticator, header string) (Principal, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/v1/runs", nil)
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	return a(r)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNewTokenIsLetInByItsLine(t *testing.T) {
	token, line, err := NewToken("anna", true)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, "# who may come in\n\n"+line+"\n")
	f, err := OpenFile(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	who, err := ask(t, f.Authenticate, "bearer "+token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Principal{Owner: "anna", Operator: true}, who); diff != "" {
		t.Error(diff)
	}
	for _, header := range []string{"", "Bearer ", "Bearer x" + token, "Basic " + token, token} {
		if _, err := ask(t, f.Authenticate, header); reeve.CodeOf(err) != reeve.CodeUnauthenticated {
			t.Errorf("%q: got %v, want unauthenticated", header, err)
		}
	}
}

func TestNewTokensDiffer(t *testing.T) {
	a, _, _ := NewToken("anna", false)
	b, _, _ := NewToken("anna", false)
	if a == b || !strings.HasPrefix(a, TokenPrefix) {
		t.Errorf("tokens %q and %q", a, b)
	}
	if _, _, err := NewToken("an na", false); reeve.CodeOf(err) != reeve.CodeInvalid {
		t.Errorf("owner with a space: %v", err)
	}
}

func TestParseTokensNamesTheLine(t *testing.T) {
	hash := HashToken("x")
	for text, want := range map[string]string{
		"# a\nabc anna":          "line 2: the first word",
		hash + " anna admin":     `line 1: the third word is "admin"`,
		hash:                     "line 1: want SHA256-HEX OWNER",
		hash + " a/b":            "line 1: owner",
		hash + " a b c":          "line 1: want",
		hash[:40] + " anna":      "line 1: the first word",
		"\n\n" + hash + "x anna": "line 3",
	} {
		if _, err := ParseTokens(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}

func TestOpenFileRefusesWhatLetsNobodyIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	if _, err := OpenFile(path, nil); err == nil {
		t.Error("a missing file was taken")
	}
	write(t, path, "# empty\n")
	if _, err := OpenFile(path, nil); err == nil {
		t.Error("an empty file was taken")
	}
}

func TestOpenFileRefusesWhatAnybodyMayWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, HashToken("one")+" anna\n")
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o444: true, 0o664: true, 0o666: false, 0o602: false} {
		if err := os.Chmod(path, mode); err != nil { // the umask does not touch it
			t.Fatal(err)
		}
		if _, err := OpenFile(path, nil); (err == nil) != good || !good && !strings.Contains(err.Error(), "chmod o-w") {
			t.Errorf("mode %s: %v", mode, err)
		}
	}
}

func TestFileIsReadAgainWhenChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, HashToken("one")+" anna\n")
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		f, err := OpenFile(path, slog.New(slog.NewTextHandler(&logged, nil)))
		if err != nil {
			t.Fatal(err)
		}
		knows := func(token string) bool {
			_, err := ask(t, f.Authenticate, "Bearer "+token)
			return err == nil
		}
		write(t, path, HashToken("two")+" berta operator\n")
		if !knows("one") {
			t.Error("the file was looked at twice within a second")
		}
		time.Sleep(recheck)
		if knows("one") || !knows("two") {
			t.Error("a changed file was not read again")
		}

		write(t, path, "broken\n")
		time.Sleep(recheck)
		if !knows("two") || !strings.Contains(logged.String(), "line 1") {
			t.Errorf("a broken file took the tokens away, or was not logged: %s", logged.String())
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(recheck)
		if !knows("two") {
			t.Error("a missing file took the tokens away")
		}
		write(t, path, HashToken("three")+" cora\n")
		time.Sleep(recheck)
		if !knows("three") || knows("two") {
			t.Error("the mended file was not read")
		}
	})
}

func TestLoopbackIsTheLocalOperator(t *testing.T) {
	who, err := ask(t, Loopback(), "")
	if err != nil || who != Local {
		t.Errorf("got %v, %v", who, err)
	}
}
