package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/reeve-run/reeve"
)

// The exit statuses.
const (
	exitYes         = 0
	exitNo          = 1
	exitUsage       = 2
	exitCancelled   = 3
	exitInterrupted = 130
)

// exitError is an error that knows its exit status. Without Err nothing is printed: the
// command has said everything.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage is an error of the one who typed the command.
func usage(format string, args ...any) error {
	return &exitError{status: exitUsage, err: fmt.Errorf(format, args...)}
}

// cannotStart marks what keeps a command from beginning at all.
func cannotStart(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{status: exitUsage, err: err}
}

// silent ends with a status and no further word.
func silent(status int) error { return &exitError{status: status} }

// statusOf is the exit status for what a command returned.
func statusOf(ctx context.Context, err error) int {
	if err == nil {
		return exitYes
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.status
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	switch reeve.CodeOf(err) {
	case reeve.CodeInvalid, reeve.CodeAgentUnknown:
		return exitUsage
	}
	return exitNo
}

// advice is what to do about an error, where the error itself does not say.
func advice(err error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "no server answers there: start one with `reeve serve`, or give its address with --url or REEVE_URL"
	}
	switch reeve.CodeOf(err) {
	case reeve.CodeUnauthenticated:
		return "set REEVE_TOKEN to a token that the server knows (`reeve token new` makes one)"
	case reeve.CodeForbidden:
		return "this needs an operator's token (`reeve token new --operator` makes one)"
	case reeve.CodeAgentUnknown:
		return "`reeve agents list` shows those that are there"
	}
	return ""
}

// isTerminal says whether a stream is one that a person looks at.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && terminalWidth(f) > 0
}
