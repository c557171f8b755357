package echo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agents/echo"
	"github.com/reeve-run/reeve/agenttest"
)

func TestEchoStreamsWhatItReturns(t *testing.T) {
	for _, text := range []string{"", "hi", "  two  words ", "ein Wort\n\tund noch eins", "日本 語"} {
		res := agenttest.Run(t, echo.New(), echo.Text{Text: text})
		if res.Err != nil || res.Output.Text != text {
			t.Errorf("echo %q: %q, %v", text, res.Output.Text, res.Err)
		}
		if got := res.Text(""); got != text {
			t.Errorf("echo %q streamed %q", text, got)
		}
	}
}

func TestEchoSurvivesEveryCrash(t *testing.T) {
	agenttest.EveryCrash(t, echo.New(), echo.Text{Text: "one two three"})
}

func TestEchoRefusesTooLongAText(t *testing.T) {
	res := agenttest.Run(t, echo.New(), echo.Text{Text: strings.Repeat("x", echo.MaxText+1)})
	if !errors.Is(res.Err, &reeve.Error{Code: reeve.CodeTooLarge}) {
		t.Errorf("err = %v, want too_large", res.Err)
	}
}
