package client

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// CreateThread makes an empty thread. Metadata is JSON of the caller's own, or nil.
func (c *Client) CreateThread(ctx context.Context, title string, metadata json.RawMessage) (reeve.Thread, error) {
	body := wire.CreateThread{Title: title, Metadata: metadata}
	return fetch[reeve.Thread](ctx, c, request{method: http.MethodPost, path: []string{"v1", "threads"}, body: body})
}

// Thread shows a thread.
func (c *Client) Thread(ctx context.Context, id reeve.ThreadID) (reeve.Thread, error) {
	return fetch[reeve.Thread](ctx, c, request{method: http.MethodGet, path: []string{"v1", "threads", string(id)}})
}

// Threads lists a page of threads, newest first. Limit 0 is 100, at most 1,000; cursor is the Next
// of the page before.
func (c *Client) Threads(ctx context.Context, limit int, cursor string) (wire.Threads, error) {
	return fetch[wire.Threads](ctx, c, request{method: http.MethodGet, path: []string{"v1", "threads"}, query: pageQuery(limit, cursor)})
}

// DeleteThread removes a thread with all that is its. With a run that has not ended it is CodeConflict.
func (c *Client) DeleteThread(ctx context.Context, id reeve.ThreadID) error {
	return c.do(ctx, request{method: http.MethodDelete, path: []string{"v1", "threads", string(id)}}, nil)
}
