package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/wire"
)

// call is one request whose sender is known and whose body is read.
type call struct {
	ctx   context.Context
	r     *http.Request
	who   auth.Principal
	known bool // who is known; only on routes for anybody it may not be
	query url.Values
	body  any // what the route's body says
	head  http.Header
}

// answer is a reply with a status of its own.
type answer struct {
	status int
	body   any
}

// handle does for every route what is the same: who asks, body, metrics, reply.
func (g *Gateway) handle(rt route) http.Handler {
	name := rt.name()
	seconds := g.metrics.seconds.WithLabelValues(name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		g.serve(rt, seen, r)
		g.metrics.answered(name, seen.status)
		if rt.stream == nil && r.URL.RawQuery == "" {
			seconds.Observe(time.Since(began).Seconds())
		}
	})
}

func (g *Gateway) serve(rt route, w *recorder, r *http.Request) {
	c, err := g.newCall(rt, w, r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	if rt.stream != nil {
		rt.stream(w, r, c)
		return
	}
	reply, err := rt.serve(c)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	status := rt.status
	if a, ok := reply.(answer); ok {
		status, reply = a.status, a.body
	}
	if reply == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, max(status, http.StatusOK), wire.Encode(reply))
}

func (g *Gateway) newCall(rt route, w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{ctx: r.Context(), r: r, head: w.Header()}
	var err error
	if c.who, err = g.Authenticate(r); err == nil {
		c.known = true
	} else if rt.role != forAnybody {
		return nil, err
	}
	if rt.role == forOperator && !c.who.Operator {
		return nil, reeve.Errorf(reeve.CodeForbidden, "this route is for operators")
	}
	if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, reeve.Errorf(reeve.CodeInvalid, "the query of the URL is broken: %w", err)
	}
	switch {
	case rt.body != nil:
		c.body, err = g.readBody(rt.body, w, r)
	case r.ContentLength != 0: // nobody wants it, but its bound must not end the request
		_, err = g.readAll(w, r)
	}
	return c, err
}

// bounded is a context for asking the store.
func (c *call) bounded(g *Gateway) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.ctx, g.requestTime())
}

// readBody decodes a body into a fresh value of the zero's type. Only application/json is taken,
// for a form of a foreign page cannot send that; an empty body needs no type.
func (g *Gateway) readBody(zero any, w http.ResponseWriter, r *http.Request) (any, error) {
	into := reflect.New(reflect.TypeOf(zero).Elem())
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Type") != "" && (err != nil || kind != "application/json") {
		return nil, wrongType(r)
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &statusError{
			status: http.StatusUnsupportedMediaType, title: "Unsupported content coding",
			err: reeve.Errorf(reeve.CodeInvalid, "Content-Encoding %q: send the JSON as it is", coding),
		}
	}
	data, err := g.readAll(w, r)
	if err != nil {
		return nil, err
	}
	switch {
	case len(data) == 0 && mayBeEmpty(zero):
		return into.Interface(), nil
	case kind == "" && len(data) > 0:
		return nil, wrongType(r)
	}
	return into.Interface(), wire.Decode(data, g.Limits.Depth, into.Interface())
}

func mayBeEmpty(zero any) bool {
	switch zero.(type) {
	case *wire.Nothing, *wire.CancelRun, *wire.CreateThread:
		return true
	}
	return false
}

func wrongType(r *http.Request) error {
	return &statusError{
		status: http.StatusUnsupportedMediaType, title: "Unsupported media type",
		err: reeve.Errorf(reeve.CodeInvalid, "Content-Type %q: only application/json is taken", r.Header.Get("Content-Type")),
	}
}

// boundBody gives a body its time to come, before anything is looked at. The bound stays until readAll
// has the body whole: the HTTP server reads on after a refusal, and without a bound would wait
// for ever for what a client announced and does not send.
func (g *Gateway) boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.requestTime()))
	}
}

// readAll reads a body within the limits of bytes and time.
func (g *Gateway) readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > g.Limits.BodyBytes {
		return nil, g.bodyTooLarge()
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.Limits.BodyBytes))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, g.bodyTooLarge()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, reeve.Errorf(reeve.CodeInvalid, "the body did not come whole within %s", g.requestTime())
	}
	if err != nil {
		return nil, reeve.Errorf(reeve.CodeInvalid, "the body did not come whole: %w", err)
	}
	// The bound would end the server's watch for a client that goes, and with it the request.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return data, nil
}

func (g *Gateway) bodyTooLarge() error {
	return reeve.Errorf(reeve.CodeTooLarge, "the body has more than %d bytes", g.Limits.BodyBytes)
}

// recorder remembers the status for the metrics.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
