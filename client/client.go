package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

const (
	// requestTime bounds a request that does not wait for a run.
	requestTime = 60 * time.Second
	// maxReply bounds a reply in bytes: a page of the largest entries is smaller.
	maxReply = 256 << 20
	// defaultPatience is how long Follow tries to reach a server that does not answer.
	defaultPatience = time.Minute
)

// Client speaks to one server.
type Client struct {
	base     *url.URL
	token    string
	http     *http.Client
	patience time.Duration
}

// Option changes how a Client is made.
type Option func(*Client)

// WithToken sends the token with every request.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithHTTPClient sends requests through h. Its Timeout should be 0: it would cut streams off.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithPatience sets how long Follow tries to reach a server that does not answer, from
// the last sign of it; a minute unless told.
func WithPatience(d time.Duration) Option { return func(c *Client) { c.patience = d } }

// New makes a client of the server at a URL such as http://127.0.0.1:8000. It does not connect. The
// error has CodeInvalid.
func New(server string, opts ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, reeve.Errorf(reeve.CodeInvalid, "server %q: want a URL such as http://127.0.0.1:8000", server)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, reeve.Errorf(reeve.CodeInvalid, "server %q: no user, query or fragment allowed; a token is given apart", base.Redacted())
	}
	c := &Client{base: base, http: http.DefaultClient, patience: defaultPatience}
	for _, o := range opts {
		o(c)
	}
	return c, nil
}

// URL is the server's, as New was given it.
func (c *Client) URL() string { return c.base.String() }

// request is one thing asked of the server.
type request struct {
	method string
	path   []string // segments, not escaped
	query  url.Values
	body   any
	key    string        // Idempotency-Key
	wait   time.Duration // added to the time that the answer may take
	also   int           // a status that is no error although it is not 2xx
}

// do sends a request and decodes the reply into reply, unless that is nil.
func (c *Client) do(ctx context.Context, r request, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime+r.wait)
	defer cancel()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return unreachable(ctx, c, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return unreachable(ctx, c, err)
	}
	if (res.StatusCode < 200 || res.StatusCode > 299) && res.StatusCode != r.also {
		return refusal(res, data)
	}
	if reply == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, reply); err != nil {
		return foreign(res, data)
	}
	return nil
}

// fetch is do for a reply of type T.
func fetch[T any](ctx context.Context, c *Client, r request) (T, error) {
	var reply T
	err := c.do(ctx, r, &reply)
	return reply, err
}

func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, reeve.Errorf(reeve.CodeInvalid, "the request cannot be written as JSON: %w", err)
		}
		body = bytes.NewReader(data)
	}
	segments := make([]string, len(r.path))
	for i, s := range r.path {
		segments[i] = url.PathEscape(s)
	}
	target := c.base.JoinPath(segments...)
	target.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, reeve.Errorf(reeve.CodeInvalid, "request %s: %w", target.Redacted(), err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return req, nil
}

// unreachable words an error of the connection. The caller's own end of ctx stays what it is.
func unreachable(ctx context.Context, c *Client, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return reeve.Errorf(reeve.CodeUnavailable, "reach the server at %s: %w", c.base, err)
}

// refusal is the server's problem as an error.
func refusal(res *http.Response, data []byte) error {
	var p wire.Problem
	if json.Unmarshal(data, &p) != nil || p.Code == "" {
		return foreign(res, data)
	}
	return p.Err()
}

// foreign is an answer that a reeve server does not give: a proxy's page, another program.
func foreign(res *http.Response, data []byte) error {
	code := reeve.CodeInternal
	if res.StatusCode >= http.StatusBadGateway {
		code = reeve.CodeUnavailable // a proxy before a server that is not up
	}
	return reeve.Errorf(code, "%s answered %s with what is not reeve's: %.200q", res.Request.URL.Host, res.Status, data)
}
