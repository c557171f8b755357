package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
)

// maxMessage bounds the text of a failure in bytes: it is for people, not for dumps.
const maxMessage = 16 << 10

// Bounds of the paths that a failure names: a run's end must always fit into an entry.
const (
	maxPaths     = 64
	maxPathBytes = 16 << 10
)

// verdict is what the engine makes of an error of the author's code, once, and under a recover:
// nothing else calls the methods of a foreign error.
type verdict struct {
	reeve.Failure
	hopeless bool
}

func (v *verdict) Error() string { return v.Message }

// judge makes a verdict of the error; other is the code of one that bears none.
func judge(err error, other reeve.Code) (v *verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = &verdict{reeve.Failure{Code: reeve.CodePanic, Message: fmt.Sprintf("the methods of an error of type %T panicked: %v", err, p)}, true}
		}
	}()
	return &verdict{failureOf(err, other), hopeless(err)}
}

// failureOf is the error as the log keeps it; other is the code of an error that bears none.
func failureOf(err error, other reeve.Code) reeve.Failure {
	if v, ok := errors.AsType[*verdict](err); ok {
		return v.Failure
	}
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
	seen, size := map[string]bool{}, 0
	add := func(path string) {
		if seen[path] || len(out) == maxPaths || size+len(path) > maxPathBytes {
			return
		}
		seen[path] = true
		size += len(path)
		out = append(out, path)
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
	switch e := err.(type) { //nolint:errorlint // this is the walk through what is wrapped
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
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // what is stored is not a page, and a text of brackets is not six times as long
	if err := enc.Encode(v); err != nil {
		panic("engine: an entry's data is not JSON: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
