package gateway

import (
	"strconv"
	"unicode/utf8"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// Bounds of what a thread is made with.
const (
	maxTitle    = 1000
	maxMetadata = 64 << 10
	pageDefault = 100
)

func (g *Gateway) createThread(c *call) (any, error) {
	body := c.body.(*wire.CreateThread)
	if len(body.Title) > maxTitle || !utf8.ValidString(body.Title) {
		return nil, reeve.Errorf(reeve.CodeTooLarge, "the title has %d bytes: at most %d", len(body.Title), maxTitle)
	}
	if len(body.Metadata) > maxMetadata {
		return nil, reeve.Errorf(reeve.CodeTooLarge, "the metadata has %d bytes: at most %d", len(body.Metadata), maxMetadata)
	}
	id, err := newThreadID(c.who.Owner, "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	return g.Log.CreateThread(ctx, reeve.Thread{ID: id, Owner: c.who.Owner, Title: body.Title, Metadata: body.Metadata})
}

func (g *Gateway) listThreads(c *call) (any, error) {
	q := journal.ThreadQuery{Owner: ownerFilter(c.who)}
	var err error
	if q.Limit, err = g.limit(c); err != nil {
		return nil, err
	}
	if s := c.query.Get("cursor"); s != "" {
		if q.Before, err = reeve.ParseThreadID(s); err != nil {
			return nil, err
		}
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	threads, err := g.Log.Threads(ctx, q)
	if err != nil {
		return nil, err
	}
	page := wire.Threads{Threads: append([]reeve.Thread{}, threads...)}
	if len(threads) == q.Limit {
		page.Next = string(threads[len(threads)-1].ID)
	}
	return page, nil
}

func (g *Gateway) showThread(c *call) (any, error) {
	id, err := c.thread()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	return visibleThread(ctx, g.Log, c.who, id)
}

func (g *Gateway) deleteThread(c *call) (any, error) {
	id, err := c.thread()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	err = g.Log.DeleteThread(ctx, ownerFilter(c.who), id)
	if reeve.CodeOf(err) == reeve.CodeNotFound {
		err = notFound("thread", string(id))
	}
	return nil, err
}

// thread is the thread that the path names.
func (c *call) thread() (reeve.ThreadID, error) { return reeve.ParseThreadID(c.r.PathValue("thread")) }

// run is the run that the path names.
func (c *call) run() (reeve.RunID, error) { return reeve.ParseRunID(c.r.PathValue("run")) }

// limit reads ?limit. The error has CodeInvalid.
func (g *Gateway) limit(c *call) (int, error) {
	s := c.query.Get("limit")
	if s == "" {
		return pageDefault, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > g.Limits.PageEntries {
		return 0, reeve.Errorf(reeve.CodeInvalid, "limit %q: want a number from 1 to %d", s, g.Limits.PageEntries)
	}
	return n, nil
}
