package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// statusError is an error with another HTTP status than its code's.
type statusError struct {
	status int
	title  string
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// problem words an error for the client, and logs what he must not or cannot know.
func (g *Gateway) problem(err error, what string) wire.Problem {
	if _, coded := errors.AsType[*reeve.Error](err); !coded {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			err = reeve.Errorf(reeve.CodeUnavailable, "the store did not answer in %s: try again", g.requestTime())
		case errors.Is(err, context.Canceled):
			err = reeve.Errorf(reeve.CodeUnavailable, "the request was given up")
		}
	}
	p := wire.ProblemOf(err)
	if s, ok := errors.AsType[*statusError](err); ok {
		p.Status, p.Title = s.status, s.title
	}
	if p.Status == http.StatusInternalServerError {
		g.Logger.Error("request went wrong", "what", what, "error", err)
	}
	if p.Reason != "" {
		g.metrics.resets.WithLabelValues(string(p.Reason)).Inc()
	}
	return p
}

// refuse answers a request with a problem.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := g.problem(err, "request "+r.Pattern)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	write(w, p.Status, wire.Encode(p))
}

// write sends a body whose type is set. A client that has gone is nobody's concern.
func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, or what html/template escaped
}
