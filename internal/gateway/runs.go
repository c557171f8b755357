package gateway

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

func (g *Gateway) startRun(c *call) (any, error) {
	wait, err := g.parseWait(c.query.Get("wait"))
	if err != nil {
		return nil, err
	}
	a, err := g.newAccept(c.who, c.r.PathValue("thread"), *c.body.(*wire.StartRun), c.r.Header.Get("Idempotency-Key"))
	if err != nil {
		return nil, err
	}
	res, err := g.acceptFor(c, a, wait)
	if err != nil {
		return nil, err
	}
	if res.Existing {
		c.head.Set("Idempotency-Replayed", "true")
	}
	return res.Run, nil
}

func (g *Gateway) acceptFor(c *call, a *journal.Accept, wait time.Duration) (journal.Result, error) {
	if wait > 0 {
		return g.startAndWait(c.ctx, c.who, a, wait)
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	return g.start(ctx, c.who, a)
}

func (g *Gateway) showRun(c *call) (any, error) {
	wait, err := g.parseWait(c.query.Get("wait"))
	if err != nil {
		return nil, err
	}
	id, err := c.run()
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return g.runAfter(c.ctx, c.who, id, wait)
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	return visibleRun(ctx, g.Log, c.who, id)
}

// listRuns lists the runs of a thread, or of all that the caller sees.
func (g *Gateway) listRuns(c *call) (any, error) {
	q, err := g.runQuery(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	if q.Thread != "" {
		if _, err := visibleThread(ctx, g.Log, c.who, q.Thread); err != nil {
			return nil, err
		}
	}
	if err := g.checkCursor(ctx, c.who, q.Before); err != nil {
		return nil, err
	}
	runs, err := g.Log.Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	page := wire.Runs{Runs: append([]reeve.Run{}, runs...)}
	if len(runs) == q.Limit {
		page.Next = string(runs[len(runs)-1].ID)
	}
	return page, nil
}

// checkCursor refuses a cursor of somebody else's run as it would one that is not there, so that
// nobody learns by it which runs there are.
func (g *Gateway) checkCursor(ctx context.Context, who auth.Principal, before reeve.RunID) error {
	if before == "" {
		return nil
	}
	_, err := visibleRun(ctx, g.Log, who, before)
	if reeve.CodeOf(err) == reeve.CodeNotFound {
		return reeve.Errorf(reeve.CodeInvalid, "cursor %q is not there any more: start again from the top", before)
	}
	return err
}

func (g *Gateway) runQuery(c *call) (journal.RunQuery, error) {
	q := journal.RunQuery{
		Owner: ownerFilter(c.who), Agent: c.query.Get("agent"), Status: reeve.Status(c.query.Get("status")),
	}
	if q.Status != "" && !q.Status.Valid() {
		return q, reeve.Errorf(reeve.CodeInvalid, "status %q: want one of %q", q.Status, reeve.Statuses)
	}
	var err error
	if c.r.PathValue("thread") != "" {
		if q.Thread, err = c.thread(); err != nil {
			return q, err
		}
	}
	if s := c.query.Get("created_before"); s != "" {
		if q.Created, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return q, reeve.Errorf(reeve.CodeInvalid, "created_before %q: want a time such as 2006-01-02T15:04:05Z", s)
		}
	}
	if s := c.query.Get("cursor"); s != "" {
		if q.Before, err = reeve.ParseRunID(s); err != nil {
			return q, err
		}
	}
	q.Limit, err = g.limit(c)
	return q, err
}
