package gateway

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/reeve-run/reeve"
)

func TestParsePlace(t *testing.T) {
	for _, c := range []struct {
		last, query string
		want        place
		ok          bool
	}{
		{"", "", place{0, noEpoch}, true},
		{"", "after=7", place{7, noEpoch}, true},
		{"", "after=7&epoch=3", place{7, 3}, true},
		{"", "after=3:7", place{7, 3}, true},
		{"4:8", "after=7&epoch=3", place{8, 4}, true},
		{" 4:8 ", "", place{8, 4}, true},
		{"8", "", place{}, false},
		{"-1:8", "", place{}, false},
		{"", "after=-1", place{}, false},
		{"", "after=99999999999999999999", place{}, false},
		{"", "after=1&epoch=-2", place{}, false},
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parsePlace(http.Header{"Last-Event-Id": {c.last}}, query)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%q %q: %+v, %v", c.last, c.query, got, err)
		}
		if err != nil && reeve.CodeOf(err) != reeve.CodeInvalid {
			t.Errorf("%q %q: %v", c.last, c.query, err)
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	f.Add("1:2", "after=3&epoch=4")
	f.Add("", "after=3:4")
	f.Add(":", "after=")
	f.Fuzz(func(t *testing.T, last, raw string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		got, err := parsePlace(http.Header{"Last-Event-Id": {last}}, query)
		if err != nil {
			if reeve.CodeOf(err) != reeve.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		if got.after < 0 || got.epoch < noEpoch {
			t.Fatalf("%q %q: %+v", last, raw, got)
		}
	})
}
