package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// settled is what the flags are after a command line, an environment and a file.
func settled(t *testing.T, file string, env map[string]string, args ...string) (map[string]string, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.String("addr", "default", "")
	flags.String("token-file", "", "")
	flags.Int("pool", 10, "")
	flags.StringArray("root", nil, "")
	flags.String("config", "", "")
	flags.Bool("json", false, "")
	setting(flags, "addr", "token-file", "pool", "root", "config")
	if file != "" {
		path := filepath.Join(t.TempDir(), "settings.json")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	for k, v := range env {
		t.Setenv(k, v)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	err := settle(flags)
	got := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" {
			got[f.Name] = f.Value.String()
		}
	})
	return got, err
}

func TestSettingsHaveAnOrder(t *testing.T) {
	file := `{"addr": "file", "token_file": "file", "pool": 3, "root": ["a", "b,c"]}`
	got, err := settled(t, file, map[string]string{"REEVE_ADDR": "env", "REEVE_POOL": "4"}, "--addr", "flag")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"addr": "flag", "token-file": "file", "pool": "4", "root": `[a,"b,c"]`, "json": "false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	got, err := settled(t, "", map[string]string{"REEVE_ROOT": "x:y", "REEVE_JSON": "true", "REEVE_TOKEN_FILE": ""})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"addr": "default", "token-file": "", "pool": "10", "root": "[x,y]", "json": "false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{`{"json": true}`, `unknown key "json"`},
		{`{"config": "x"}`, `unknown key "config"`},
		{`{"token-file": "x"}`, `unknown key "token-file"`},
		{`{"pool": {}}`, `"pool": want a string, a number or a boolean`},
		{`{"pool": [1]}`, "want one value, not a list"},
		{`{"pool": 1.5}`, `"pool": invalid argument "1.5"`},
		{`{"root": [1, null]}`, "want a string"},
		{`{"addr": "a"} {}`, "behind the object"},
		{`{"addr": "a"`, "does not end"},
		{`{"addr": tru}`, "invalid character"},
		{`nothing`, "want a JSON object"},
		{``, ""},
	} {
		_, err := settled(t, c.file, nil)
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.file, err, c.want)
		}
	}
}
