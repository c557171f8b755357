package gateway

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// maxReason bounds what a client gives as the reason of a cancel, in bytes.
const maxReason = 1000

func (g *Gateway) cancelRun(c *call) (any, error) {
	return g.steer(c, func(ctx context.Context, id reeve.RunID) (any, error) {
		return g.cancelFor(ctx, c.who, id, c.body.(*wire.CancelRun).Reason)
	})
}

func (g *Gateway) answerRun(c *call) (any, error) {
	return g.steer(c, func(ctx context.Context, id reeve.RunID) (any, error) {
		return g.answerFor(ctx, c.who, id, *c.body.(*wire.AnswerAsk))
	})
}

func (g *Gateway) retryRun(c *call) (any, error) {
	return g.steer(c, func(ctx context.Context, id reeve.RunID) (any, error) {
		if _, err := visibleRun(ctx, g.Log, c.who, id); err != nil {
			return nil, err
		}
		res, err := g.Runs.Retry(ctx, &journal.Retry{Run: id})
		return res.Run, err
	})
}

func (g *Gateway) whyRun(c *call) (any, error) {
	return g.steer(c, func(ctx context.Context, id reeve.RunID) (any, error) {
		if _, err := visibleRun(ctx, g.Log, c.who, id); err != nil {
			return nil, err
		}
		if !c.who.Operator {
			return nil, reeve.Errorf(reeve.CodeForbidden, "why shows stacks and nodes: it is for operators")
		}
		return g.Runs.Why(ctx, id)
	})
}

func (g *Gateway) steer(c *call, do func(context.Context, reeve.RunID) (any, error)) (any, error) {
	id, err := c.run()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.bounded(g)
	defer cancel()
	return do(ctx, id)
}

// cancelFor is a cancel from HTTP or a socket.
func (g *Gateway) cancelFor(ctx context.Context, who auth.Principal, id reeve.RunID, reason string) (reeve.Run, error) {
	if len(reason) > maxReason {
		return reeve.Run{}, reeve.Errorf(reeve.CodeTooLarge, "the reason has %d bytes: at most %d", len(reason), maxReason)
	}
	if _, err := visibleRun(ctx, g.Log, who, id); err != nil {
		return reeve.Run{}, err
	}
	res, err := g.Runs.Cancel(ctx, &journal.Cancel{Run: id, Reason: reason})
	return res.Run, err
}

// answerFor is an answer from HTTP or a socket.
func (g *Gateway) answerFor(ctx context.Context, who auth.Principal, id reeve.RunID, a wire.AnswerAsk) (wire.Answered, error) {
	switch {
	case a.Ask == "":
		return wire.Answered{}, reeve.Errorf(reeve.CodeInvalid, "ask is missing: want the path of an ask.opened entry")
	case len(a.Value) == 0:
		return wire.Answered{}, reeve.Errorf(reeve.CodeInvalid, "value is missing: want the answer as JSON")
	}
	if _, err := visibleRun(ctx, g.Log, who, id); err != nil {
		return wire.Answered{}, err
	}
	res, err := g.Runs.Answer(ctx, &journal.Answer{Run: id, Path: a.Ask, Value: a.Value, By: "client"})
	return wire.Answered{Run: id, Ask: a.Ask, Seq: res.LastSeq}, err
}
