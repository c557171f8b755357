package echo

import (
	"iter"
	"unicode"
	"unicode/utf8"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// MaxText is the longest text, in bytes.
const MaxText = 1 << 20

// Text is what echo takes and what it gives back.
type Text struct {
	Text string `json:"text"`
}

// New makes the agent.
func New() *agent.Agent[Text, Text] { return agent.New("echo", echo) }

func echo(ctx agent.Context, in Text) (Text, error) {
	switch {
	case len(in.Text) > MaxText:
		return Text{}, reeve.Errorf(reeve.CodeTooLarge, "text has %d bytes: at most %d", len(in.Text), MaxText)
	case !utf8.ValidString(in.Text):
		return Text{}, reeve.Errorf(reeve.CodeInvalid, "text is not valid UTF-8")
	}
	for word := range words(in.Text) {
		if err := agent.Emit(ctx, word); err != nil {
			return Text{}, err
		}
	}
	return in, nil
}

// words cuts s before each word; the white space stays at the end of the one before.
func words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, space := 0, false
		for i, r := range s {
			if space && !unicode.IsSpace(r) {
				if !yield(s[start:i]) {
					return
				}
				start = i
			}
			space = unicode.IsSpace(r)
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}
