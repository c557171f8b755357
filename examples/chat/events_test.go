package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, stream string) []string {
	t.Helper()
	var got []string
	for data, err := range events(strings.NewReader(stream), func() {}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, data)
	}
	return got
}

func TestEvents(t *testing.T) {
	for stream, want := range map[string][]string{
		"data: a\n\ndata: b\n\n":                    {"a", "b"},
		"data:a\r\n\r\n":                            {"a"},
		"data:  a\n\n":                              {" a"},
		"data: a\ndata\ndata: b\n\n":                {"a\n\nb"},
		": comment\nevent: x\nid: 1\ndata: a\n\n\n": {"a"},
		"data: a\n\ndata: cut":                      {"a"},
		"data: cut\n":                               nil,
		"":                                          nil,
		"database: a\n\n":                           nil,
	} {
		if diff := cmp.Diff(want, read(t, stream)); diff != "" {
			t.Errorf("%q: %s", stream, diff)
		}
	}
}

func TestALineTooLongIsAnError(t *testing.T) {
	for _, err := range events(strings.NewReader("data: "+strings.Repeat("x", maxLine)+"\n\n"), func() {}) {
		if err == nil {
			t.Fatal("it was taken")
		}
	}
}

// FuzzEvents: what is written as an event comes back, whatever the server sent before it.
func FuzzEvents(f *testing.F) {
	f.Add("data: a", "{}")
	f.Add("\r\n: \x00\nevent", "two\nlines")
	f.Fuzz(func(t *testing.T, before, data string) {
		if strings.Contains(data, "\r") || len(before)+len(data) > maxLine/2 {
			t.Skip()
		}
		stream := before + "\n\n" + "data: " + strings.ReplaceAll(data, "\n", "\ndata: ") + "\n\n"
		got := read(t, stream)
		if len(got) == 0 || got[len(got)-1] != data {
			t.Fatalf("%q became %q", stream, got)
		}
	})
}
