package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// envKey marks a flag that may also be set from the environment and the settings file.
const envKey = "reeve_setting"

// setting marks a flag of the set so.
func setting(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, envKey, []string{envName(name)}); err != nil {
			panic(err) // a flag that was not declared: a slip in this package
		}
	}
}

// envName is the variable for a flag: REEVE_TOKEN_FILE for --token-file.
func envName(flag string) string {
	return "REEVE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle gives each flag that was not typed its value from the environment, else from the
// file of --config.
func settle(flags *pflag.FlagSet) error {
	typed := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { typed[f.Name] = true })
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[envKey] == nil || typed[f.Name] {
			return
		}
		if v, ok := os.LookupEnv(envName(f.Name)); ok && v != "" {
			typed[f.Name] = true
			errs = append(errs, assign(flags, f, envName(f.Name), splitList(f, v)))
		}
	})
	if f := flags.Lookup("config"); f != nil && f.Value.String() != "" {
		errs = append(errs, settleFile(flags, f.Value.String(), typed))
	}
	return cannotStart(errors.Join(errs...))
}

// splitList reads a variable that stands for a list as PATH is read.
func splitList(f *pflag.Flag, v string) []string {
	if _, list := f.Value.(pflag.SliceValue); list {
		return filepath.SplitList(v)
	}
	return []string{v}
}

// settleFile reads a file of settings: one JSON object whose keys are the flags' names, with _ for -.
func settleFile(flags *pflag.FlagSet, path string, typed map[string]bool) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf(`--config %s: want a JSON object such as {"addr": "127.0.0.1:8000"}`, path)
	}
	seen := map[string]bool{}
	for dec.More() {
		if err := settleKey(flags, dec, path, seen, typed); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("--config %s: the object does not end: %w", path, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("--config %s: text stands behind the object", path)
	}
	return nil
}

func settleKey(flags *pflag.FlagSet, dec *json.Decoder, path string, seen, typed map[string]bool) error {
	t, err := dec.Token()
	if err != nil {
		return fmt.Errorf("--config %s: %w", path, err)
	}
	key, _ := t.(string)
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("--config %s: %q: %w", path, key, err)
	}
	f := flags.Lookup(strings.ReplaceAll(key, "_", "-"))
	switch {
	case f == nil || f.Annotations[envKey] == nil || f.Name == "config" || strings.Contains(key, "-"):
		return fmt.Errorf("--config %s: unknown key %q: want one of %s", path, key, strings.Join(fileKeys(flags), ", "))
	case seen[key]:
		return fmt.Errorf("--config %s: key %q stands twice", path, key)
	}
	seen[key] = true
	values, err := settingValues(f, v)
	if err != nil {
		return fmt.Errorf("--config %s: %q: %w", path, key, err)
	}
	if typed[f.Name] {
		return nil
	}
	return assign(flags, f, fmt.Sprintf("--config %s: %q", path, key), values)
}

func fileKeys(flags *pflag.FlagSet) []string {
	var keys []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[envKey] != nil && f.Name != "config" {
			keys = append(keys, strings.ReplaceAll(f.Name, "-", "_"))
		}
	})
	return keys
}

// settingValues turns a JSON value into what a flag would have been given.
func settingValues(f *pflag.Flag, v any) ([]string, error) {
	list, isList := v.([]any)
	if _, many := f.Value.(pflag.SliceValue); isList != many {
		if many {
			return nil, errors.New("want a list of strings")
		}
		return nil, errors.New("want one value, not a list")
	}
	if !isList {
		list = []any{v}
	}
	values := make([]string, len(list))
	for i, e := range list {
		switch e := e.(type) {
		case string:
			values[i] = e
		case json.Number, bool:
			values[i] = fmt.Sprint(e)
		default:
			return nil, errors.New("want a string, a number or a boolean")
		}
	}
	return values, nil
}

// assign sets a flag; from says where the value stood.
func assign(flags *pflag.FlagSet, f *pflag.Flag, from string, values []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		if err := list.Replace(values); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		f.Changed = true
		return nil
	}
	if err := flags.Set(f.Name, values[0]); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}
