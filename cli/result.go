package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/reeve-run/reeve/cli/tree"
)

// printResult writes a run's result for people: text as text, everything else as indented JSON.
func printResult(w io.Writer, raw json.RawMessage) error {
	if text, ok := resultText(raw); ok {
		if isTerminal(w) { // a program gets what the agent wrote, a terminal no escape sequences
			text = tree.Printable(text, '\n', '\t')
		}
		_, err := fmt.Fprintln(w, strings.TrimRight(text, "\n"))
		return err
	}
	if len(raw) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// resultText finds the text of a result: a string, or an object's markdown or text. What else the
// object has is for programs; --json shows it.
func resultText(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		return text, true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return "", false
	}
	for _, name := range []string{"markdown", "text"} {
		var text *string
		if json.Unmarshal(fields[name], &text) == nil && text != nil {
			return *text, true
		}
	}
	return "", false
}

// readInput makes a run's input of what was typed: TEXT, or --input as JSON, @FILE or @- for stdin.
func readInput(stdin io.Reader, text []string, input string) (json.RawMessage, error) {
	switch {
	case len(text) > 0 && input != "":
		return nil, usage("give TEXT or --input, not both")
	case len(text) > 0:
		joined := strings.Join(text, " ")
		if !utf8.ValidString(joined) { // JSON would silently hold another text
			return nil, usage("TEXT is not valid UTF-8: give it in that encoding")
		}
		return json.Marshal(map[string]string{"text": joined})
	case input == "":
		return nil, nil
	}
	raw := []byte(input)
	if name, ok := strings.CutPrefix(input, "@"); ok {
		var err error
		if name == "-" {
			raw, err = io.ReadAll(stdin)
		} else {
			raw, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, cannotStart(fmt.Errorf("--input: %w", err))
		}
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, usage("--input is not JSON: %w (text goes without --input: reeve run AGENT \"text\")", err)
	}
	return raw, nil
}
