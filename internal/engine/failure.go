package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
)

// maxMessage bounds the text of a failure in bytes: it is for people, not for dumps.
const maxMessage = 16 << 10

// failureOf is the error as the log keeps it; other is the code of an error that bears none.
func failureOf(err error, other reeve.Code) reeve.Failure {
	message := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + " …"
	}
	return reeve.Failure{Code: codeOf(err, other), Message: message, Paths: paths(err)}
}

func codeOf(err error, other reeve.Code) reeve.Code {
	if e, ok := errors.AsType[*agent.StepError](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[*reeve.Error](err); ok {
		return e.Code
	}
	switch {
	case errors.Is(err, session.ErrIllegalState):
		return reeve.CodeIllegalState
	case errors.Is(err, context.DeadlineExceeded):
		return reeve.CodeTimeout
	}
	return other
}

// paths collects the operations that an error came from, innermost first, each once.
func paths(err error) []string {
	var out []string
	seen := map[string]bool{}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			out = append(out, path)
		}
	}
	walk(err, func(e *agent.StepError) {
		for _, p := range e.From {
			add(p)
		}
		add(e.Path)
	})
	return out
}

// walk visits each StepError in the tree of wrapped errors.
func walk(err error, visit func(*agent.StepError)) {
	switch e := err.(type) {
	case nil:
	case *agent.StepError:
		visit(e)
	case interface{ Unwrap() error }:
		walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			walk(inner, visit)
		}
	}
}

// marshal is for the house's own structures, which are always JSON.
func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("engine: an entry's data is not JSON: " + err.Error())
	}
	return b
}
