package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
)

func TestFramesComeBackAsTheyWereSent(t *testing.T) {
	epoch := int64(7)
	for _, frame := range []any{
		&Auth{Type: TypeAuth, Token: "t"},
		&Start{Type: TypeStart, ID: TextID("a"), Agent: "echo", Input: json.RawMessage(`{"text":"hi"}`), Thread: "t", OnBusy: "reject", Key: "k"},
		&Follow{Type: TypeFollow, ID: "7", Run: "t.1", After: 3, Epoch: &epoch},
		&Unfollow{Type: TypeUnfollow, ID: TextID("a\"b")},
		&Cancel{Type: TypeCancel, Run: "t.1", Reason: "enough"},
		&Answer{Type: TypeAnswer, Run: "t.1", Ask: "a/b", Value: json.RawMessage(`null`)},
		&Ping{Type: TypePing, ID: "-1"},
	} {
		got, id, err := ParseFrame(Encode(frame), 0)
		if err != nil {
			t.Errorf("%T: %v", frame, err)
			continue
		}
		if diff := cmp.Diff(frame, got); diff != "" {
			t.Errorf("%T: %s", frame, diff)
		}
		if want := reflect.ValueOf(frame).Elem().FieldByName("ID").Interface(); id != want {
			t.Errorf("%T: id %s, want %s", frame, id, want)
		}
	}
}

func TestIDIsGivenBackAsItWasWritten(t *testing.T) {
	for text, ok := range map[string]bool{
		`"a"`: true, `7`: true, `-7`: true, `"7"`: true, `""`: true, `null`: true,
		`1.5`: false, `1e3`: false, `{}`: false, `[]`: false, `true`: false, `99999999999999999999`: false,
		`"` + strings.Repeat("x", 200) + `"`: true, `"` + strings.Repeat("x", 201) + `"`: false,
	} {
		var id ID
		err := json.Unmarshal([]byte(text), &id)
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if back := string(Encode(id)); ok && back != text {
			t.Errorf("%s came back as %s", text, back)
		}
	}
	if s := TextID("a\nb").String(); s != "a\nb" {
		t.Errorf("string: %q", s)
	}
}

func TestDecodeDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(`{"agent":"a","input":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`)
	}
	var body StartRun
	if err := Decode(nested(10), 10, &body); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
	if err := Decode(nested(11), 10, &body); reeve.CodeOf(err) != reeve.CodeTooLarge {
		t.Errorf("deeper: %v", err)
	}
	brackets := []byte(`{"agent":"[[[[[[[[[[[[{{{{\"[[[","input":"\\"}`)
	if err := Decode(brackets, 2, &body); err != nil {
		t.Errorf("brackets in strings: %v", err)
	}
}

// TestEveryCodeHasAStatus holds that what a request can meet is not shown as a fault of reeve.
func TestEveryCodeHasAStatus(t *testing.T) {
	for code, status := range map[reeve.Code]int{
		reeve.CodeInvalid: 400, reeve.CodeUnauthenticated: 401, reeve.CodeForbidden: 403, reeve.CodeNotFound: 404,
		reeve.CodeAgentUnknown: 404, reeve.CodeBusy: 409, reeve.CodeConflict: 409, reeve.CodeGone: 410,
		reeve.CodeTooLarge: 413, reeve.CodeKeyReused: 422, reeve.CodeRateLimited: 429, reeve.CodeInternal: 500,
		reeve.CodeUnavailable: 503, reeve.CodeDiverged: 500,
	} {
		if got := Status(code); got != status {
			t.Errorf("%s: %d, want %d", code, got, status)
		}
	}
}

func TestProblemsTravel(t *testing.T) {
	inner := reeve.Errorf(reeve.CodeBusy, "thread t has run t.1")
	p := ProblemOf(errors.Join(errors.New("context of ours"), inner))
	if p.Status != 409 || p.Detail != "thread t has run t.1" || p.Title == "" {
		t.Errorf("problem: %+v", p)
	}
	if err := p.Err(); reeve.CodeOf(err) != reeve.CodeBusy || err.Error() != inner.Error() {
		t.Errorf("back: %v", err)
	}
	secret := ProblemOf(errors.New("dial tcp 10.0.0.7: password wrong"))
	if secret.Status != http.StatusInternalServerError || strings.Contains(string(Encode(secret)), "password") {
		t.Errorf("an error without a code is shown: %+v", secret)
	}
	reset := ProblemOf(&ResetError{Reason: ResetPruned, First: 7, Epoch: 3})
	got, ok := errors.AsType[*ResetError](reset.Err())
	if !ok || *got != (ResetError{Reason: ResetPruned, First: 7, Epoch: 3}) || reset.Status != http.StatusGone {
		t.Errorf("reset: %+v, %+v", reset, got)
	}
}

func TestLimitsOr(t *testing.T) {
	l := Limits{FrameBytes: 7}.Or(DefaultLimits())
	if l.FrameBytes != 7 {
		t.Errorf("what was told is gone: %+v", l)
	}
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s has no default", v.Type().Field(i).Name)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	for _, seed := range []string{
		`{"type":"start","id":"a","agent":"echo","input":{"text":"hi"}}`, `{"type":"follow","id":1,"run":"t.1","after":3,"epoch":1}`,
		`{"type":"ping"}`, `{"type":"auth","token":"x"}`, `{"type":`, `[[[[`, `{"type":"cancel","id":{},"run":"\ud800"}`, "{\"\xff\":1}", `"\`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, id, err := ParseFrame(data, 20)
		if err != nil {
			if code := reeve.CodeOf(err); code != reeve.CodeInvalid && code != reeve.CodeTooLarge {
				t.Fatalf("code %s: %v", code, err)
			}
			if !utf8.ValidString(err.Error()) {
				t.Fatalf("the message is not UTF-8: %q", err)
			}
		}
		if id != "" && !json.Valid(Encode(id)) {
			t.Fatalf("the id is not JSON: %s", id)
		}
		if err != nil {
			return
		}
		again, _, err := ParseFrame(Encode(frame), 20)
		if err != nil {
			t.Fatalf("%s came back with %v", data, err)
		}
		if string(Encode(frame)) != string(Encode(again)) {
			t.Fatalf("%s became %s", Encode(frame), Encode(again))
		}
	})
}
