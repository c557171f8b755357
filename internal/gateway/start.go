package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// newAccept checks a request to start a run, from HTTP or a socket. Thread is "" for a new
// one. The error has CodeInvalid, CodeAgentUnknown or CodeTooLarge.
func (g *Gateway) newAccept(who auth.Principal, thread string, body wire.StartRun, key string) (*journal.Accept, error) {
	if err := reeve.CheckName("agent", body.Agent); err != nil {
		return nil, err
	}
	onBusy, err := reeve.ParseOnBusy(body.OnBusy)
	if err != nil {
		return nil, err
	}
	if err := g.checkKey(key); err != nil {
		return nil, err
	}
	if !g.Agents.Has(body.Agent) {
		return nil, reeve.Errorf(reeve.CodeAgentUnknown, "no agent %q here: GET /v1/agents lists them", body.Agent)
	}
	a := &journal.Accept{Owner: who.Owner, Agent: body.Agent, Input: body.Input, OnBusy: onBusy, Key: key}
	if len(a.Input) == 0 {
		a.Input = json.RawMessage("null")
	}
	if key != "" {
		a.Hash = requestHash(a)
	}
	if thread != "" {
		a.Thread, err = reeve.ParseThreadID(thread)
		return a, err
	}
	a.Create = true
	a.Thread, err = newThreadID(who.Owner, key)
	return a, err
}

func (g *Gateway) checkKey(key string) error {
	if len(key) > g.Limits.KeyBytes {
		return reeve.Errorf(reeve.CodeTooLarge, "the idempotency key has %d bytes: at most %d", len(key), g.Limits.KeyBytes)
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return reeve.Errorf(reeve.CodeInvalid, "the idempotency key may hold printable ASCII only")
	}
	return nil
}

// newThreadID is fresh, or with a key always the same for owner and key, so that the second
// request finds what the first began.
func newThreadID(owner, key string) (reeve.ThreadID, error) {
	if key != "" {
		sum := sha256.Sum256([]byte("thread\x00" + owner + "\x00" + key))
		return reeve.ThreadID(hex.EncodeToString(sum[:16])), nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	return reeve.ThreadID(hex.EncodeToString(id[:])), nil
}

// requestHash tells one request from another with the same key. White space in the input does not count.
func requestHash(a *journal.Accept) string {
	var input bytes.Buffer
	if json.Compact(&input, a.Input) != nil {
		input.Reset()
		input.Write(a.Input)
	}
	h := sha256.New()
	for _, part := range []string{a.Agent, string(a.OnBusy)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(input.Bytes())
	return hex.EncodeToString(h.Sum(nil))
}

// start hands the request in. An operator may start a run on anybody's thread: the thread's
// owner is looked up only when it is not his own.
func (g *Gateway) start(ctx context.Context, who auth.Principal, a *journal.Accept) (journal.Result, error) {
	res, err := g.Runs.Accept(ctx, a)
	if err == nil || a.Create || reeve.CodeOf(err) != reeve.CodeNotFound {
		return res, err
	}
	if who.Operator {
		if t, err := g.Log.Thread(ctx, a.Thread); err == nil && t.Owner != a.Owner {
			a.Owner = t.Owner
			return g.Runs.Accept(ctx, a)
		}
	}
	return res, notFound("thread", string(a.Thread))
}

// startFollowed starts a run with its follower subscribed before, so that nothing is read
// again for it. With an error there is no follower.
func (g *Gateway) startFollowed(ctx context.Context, who auth.Principal, a *journal.Accept, notify func(), b *budget) (journal.Result, *follower, error) {
	f := g.newFollower(target{thread: a.Thread}, notify, b)
	res, err := g.start(ctx, who, a)
	switch {
	case err != nil:
	case res.Existing:
		f.on.run = res.Run.ID
		err = f.open(ctx, who, place{after: res.Run.FirstSeq - 1, epoch: noEpoch})
	default:
		f.begin(res)
	}
	if err != nil {
		g.endFollower(f)
		return res, nil, err
	}
	return res, f, nil
}
