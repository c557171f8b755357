package wire

import (
	"errors"
	"net/http"

	"github.com/reeve-run/reeve"
)

// Problem is an error as a client sees it (RFC 9457). Reason, First and Epoch stand
// in the answer for a position that cannot be served (CodeGone).
type Problem struct {
	Code   reeve.Code `json:"code"`
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Detail string     `json:"detail,omitempty"`

	Reason ResetReason `json:"reason,omitempty"`
	First  int64       `json:"first,omitempty"`
	Epoch  int64       `json:"epoch,omitempty"`
}

// statuses is the one table of codes and what HTTP says for them. A code that is
// not here tells how a run ended and is a fault of reeve when a request meets it.
var statuses = map[reeve.Code]struct {
	status int
	title  string
}{
	reeve.CodeInvalid:         {http.StatusBadRequest, "Invalid request"},
	reeve.CodeUnauthenticated: {http.StatusUnauthorized, "A token is needed"},
	reeve.CodeForbidden:       {http.StatusForbidden, "Not allowed"},
	reeve.CodeNotFound:        {http.StatusNotFound, "Not found"},
	reeve.CodeAgentUnknown:    {http.StatusNotFound, "No such agent"},
	reeve.CodeBusy:            {http.StatusConflict, "The thread is busy"},
	reeve.CodeConflict:        {http.StatusConflict, "Not in a state that allows this"},
	reeve.CodeKeyReused:       {http.StatusUnprocessableEntity, "The key stands for another request"},
	reeve.CodeTooLarge:        {http.StatusRequestEntityTooLarge, "Too large"},
	reeve.CodeGone:            {http.StatusGone, "The position cannot be served"},
	reeve.CodeRateLimited:     {http.StatusTooManyRequests, "Too many at once"},
	reeve.CodeUnavailable:     {http.StatusServiceUnavailable, "Not available just now"},
	reeve.CodeBusyRow:         {http.StatusServiceUnavailable, "Not available just now"},
	reeve.CodeInternal:        {http.StatusInternalServerError, "Internal error"},
}

// Status is the HTTP status for a code.
func Status(code reeve.Code) int {
	if s, ok := statuses[code]; ok {
		return s.status
	}
	return http.StatusInternalServerError
}

// ProblemOf says an error to a client. Only the message of a *reeve.Error is shown.
func ProblemOf(err error) Problem {
	e, ok := errors.AsType[*reeve.Error](err)
	if !ok {
		e = &reeve.Error{Code: reeve.CodeInternal}
	}
	s, ok := statuses[e.Code]
	if !ok {
		s = statuses[reeve.CodeInternal]
	}
	p := Problem{Code: e.Code, Title: s.title, Status: s.status, Detail: e.Message}
	if reset, ok := errors.AsType[*ResetError](err); ok {
		p.Reason, p.First, p.Epoch = reset.Reason, reset.First, reset.Epoch
	}
	return p
}

// Err turns the problem back into an error: a *reeve.Error, around a *ResetError where
// the problem is a position that cannot be served.
func (p Problem) Err() error {
	e := &reeve.Error{Code: p.Code, Message: p.Detail}
	if e.Message == "" {
		e.Message = p.Title
	}
	if p.Reason != "" {
		e.Err = &ResetError{Reason: p.Reason, First: p.First, Epoch: p.Epoch}
	}
	return e
}
