package reeve

import (
	"errors"
	"fmt"
)

// Code says what an error means; it is stable and safe to show and to store.
type Code string

// The codes of errors. See docs/errors.md for what a client does about each.
const (
	CodeInvalid         Code = "invalid"         // the request or value is wrong; the same again is refused again
	CodeUnauthenticated Code = "unauthenticated" // no token, or one that is not known
	CodeForbidden       Code = "forbidden"       // known, but not allowed
	CodeNotFound        Code = "not_found"       // it is not there, or belongs to somebody else
	CodeBusy            Code = "busy"            // the thread has a run and on_busy was reject
	CodeConflict        Code = "conflict"        // the thing is not in a state that allows this
	CodeKeyReused       Code = "key_reused"      // the Idempotency-Key stands for another request
	CodeTooLarge        Code = "too_large"       // over a limit of bytes, depth or number
	CodeGone            Code = "gone"            // the position cannot be served any more
	CodeRateLimited     Code = "rate_limited"    // too many at once; try later
	CodeUnavailable     Code = "unavailable"     // the store or the node cannot now; the same again may work
	CodeInternal        Code = "internal"        // a fault of reeve
	CodeFenced          Code = "fenced"          // the thread has a newer owner; this one must let go
	CodeBusyRow         Code = "busy_row"        // the thread's row is locked by another; hand in again
	CodeAgentUnknown    Code = "agent_unknown"   // no such agent here
	CodeAgentFailed     Code = "agent_failed"    // the agent's function returned an error
	CodeStepFailed      Code = "step_failed"     // a step has used up its tries
	CodePanic           Code = "panic"           // the author's function panicked
	CodeTimeout         Code = "timeout"         // a bound that the author set has passed
	CodeCancelled       Code = "cancelled"       // the run was cancelled
	CodeNotJSON         Code = "not_json"        // a result cannot be written as JSON
	CodeDiverged        Code = "diverged"        // replay met another operation than the log has
	CodePoisoned        Code = "poisoned"        // nodes died of this run, five or more in a row
	CodeIllegalState    Code = "illegal_state"   // a database session was used out of its scope
	CodeUnanswered      Code = "unanswered"      // a question's deadline passed and it has no default
)

// Error is an error with a code. The message is for people and safe to show to the
// client that caused it; Err is for logs.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Errorf makes an Error. A %w in the format is kept for errors.Is.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Is matches another *Error by its code alone, so that errors.Is(err, &Error{Code: c}) asks for c.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Code == e.Code
}

// CodeOf finds the code of an error; CodeInternal when it has none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
