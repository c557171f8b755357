package gateway

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// target is the thread or run that the path names.
func (c *call) target() (target, error) {
	if c.r.PathValue("run") != "" {
		run, err := c.run()
		return target{thread: run.Thread(), run: run}, err
	}
	thread, err := c.thread()
	return target{thread: thread}, err
}

// listEntries reads a stretch of a log. As in following, entries of other runs are covered by First.
func (g *Gateway) listEntries(c *call) (any, error) {
	on, err := c.target()
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(nil, c.query)
	if err != nil {
		return nil, err
	}
	limit, err := g.limit(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	start, epoch, err := g.locate(ctx, c, on, from)
	if err != nil {
		return nil, err
	}
	entries, err := g.Log.Entries(ctx, journal.EntryQuery{Thread: on.thread, Run: on.run, After: start, Limit: limit})
	if err != nil {
		return nil, err
	}
	page := wire.Entries{Entries: make([]reeve.Entry, 0, len(entries))}
	told := from.after
	for _, e := range entries {
		e.First, told = told+1, e.Seq
		page.Entries = append(page.Entries, e)
	}
	// Fewer than the limit may be the bound on bytes: only an empty page is surely the last.
	if len(entries) > 0 {
		page.Next = g.nextPage(ctx, on, reeve.Position{Epoch: epoch, Seq: told})
	}
	return page, nil
}

// locate checks the position and gives where reading starts.
func (g *Gateway) locate(ctx context.Context, c *call, on target, from place) (start, epoch int64, err error) {
	start = from.after
	if on.run != "" {
		run, err := visibleRun(ctx, g.Log, c.who, on.run)
		if err != nil {
			return 0, 0, err
		}
		start = max(start, run.FirstSeq-1)
	}
	thread, err := visibleThread(ctx, g.Log, c.who, on.thread)
	if err != nil {
		return 0, 0, err
	}
	return start, thread.Epoch, servable(thread, place{after: start, epoch: from.epoch})
}

// nextPage is the cursor behind a page: "" when nothing stands there yet.
func (g *Gateway) nextPage(ctx context.Context, on target, at reeve.Position) string {
	more, err := g.Log.Entries(ctx, journal.EntryQuery{Thread: on.thread, Run: on.run, After: at.Seq, Limit: 1})
	if err == nil && len(more) == 0 {
		return ""
	}
	return at.String()
}
