package reeve_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/reeve-run/reeve"
)

func TestRunIDCarriesItsThread(t *testing.T) {
	id := reeve.MakeRunID("abc", 12)
	if id != "abc.12" || id.Thread() != "abc" || id.N() != 12 {
		t.Fatalf("%s: thread %s, number %d", id, id.Thread(), id.N())
	}
	if parsed, err := reeve.ParseRunID("abc.12"); err != nil || parsed != id {
		t.Fatal(parsed, err)
	}
}

func TestIDsFromOutsideAreChecked(t *testing.T) {
	for _, bad := range []string{"", "a", ".1", "a.", "a.0", "a.-1", "a.01", "a.1.2", "a/b.1", "a#b.1", "a b.1", "a\x00.1", "\xff.1", strings.Repeat("x", 300) + ".1", "a.99999999999999999999"} {
		if id, err := reeve.ParseRunID(bad); reeve.CodeOf(err) != reeve.CodeInvalid {
			t.Errorf("%q gives %q, %v", bad, id, err)
		}
	}
	for _, bad := range []string{"1", ":", "1:", ":1", "-1:2", "1:-2", "a:b", "1:2:3"} {
		if p, err := reeve.ParsePosition(bad); reeve.CodeOf(err) != reeve.CodeInvalid {
			t.Errorf("position %q gives %v, %v", bad, p, err)
		}
	}
}

func TestPositionPrintsAsItIsRead(t *testing.T) {
	p := reeve.Position{Epoch: 2, Seq: 120}
	if got, err := reeve.ParsePosition(p.String()); err != nil || got != p {
		t.Fatal(got, err)
	}
}

func TestAnEndedRunStaysEnded(t *testing.T) {
	for _, from := range reeve.Statuses {
		for _, to := range reeve.Statuses {
			retry := from == reeve.StatusFailed && to == reeve.StatusQueued
			if from.Ended() && from.May(to) && !retry {
				t.Errorf("%s may become %s", from, to)
			}
		}
	}
	if !reeve.StatusRunning.May(reeve.StatusRunning) {
		t.Error("a takeover is refused")
	}
	if reeve.StatusWaiting.May(reeve.StatusCompleted) {
		t.Error("a run that waits completes without running")
	}
}

func TestCodeOfLooksThroughWrapping(t *testing.T) {
	err := fmt.Errorf("claim thread x: %w", reeve.Errorf(reeve.CodeFenced, "newer owner"))
	if reeve.CodeOf(err) != reeve.CodeFenced {
		t.Error(reeve.CodeOf(err))
	}
	if !errors.Is(err, &reeve.Error{Code: reeve.CodeFenced}) || errors.Is(err, &reeve.Error{Code: reeve.CodeBusy}) {
		t.Error("errors.Is does not go by the code")
	}
	if reeve.CodeOf(nil) != "" || reeve.CodeOf(errors.New("x")) != reeve.CodeInternal {
		t.Error("no code")
	}
}

func FuzzParseRunID(f *testing.F) {
	f.Add("abc.1")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := reeve.ParseRunID(s)
		if err != nil {
			return
		}
		if reeve.MakeRunID(id.Thread(), id.N()) != id {
			t.Fatalf("%q does not come back", s)
		}
	})
}
