package gateway

import (
	"context"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/internal/journal"
)

// visibleThread reads a thread that the principal may see. For anybody else it is not there.
func visibleThread(ctx context.Context, log journal.Reader, who auth.Principal, id reeve.ThreadID) (reeve.Thread, error) {
	t, err := log.Thread(ctx, id)
	if err == nil && !sees(who, t.Owner) {
		err = notFound("thread", string(id))
	}
	if reeve.CodeOf(err) == reeve.CodeNotFound {
		err = notFound("thread", string(id)) // the same words for both
	}
	return t, err
}

// visibleRun is visibleThread for a run.
func visibleRun(ctx context.Context, log journal.Reader, who auth.Principal, id reeve.RunID) (reeve.Run, error) {
	r, err := log.Run(ctx, id)
	if err == nil && !sees(who, r.Owner) {
		err = notFound("run", string(id))
	}
	if reeve.CodeOf(err) == reeve.CodeNotFound {
		err = notFound("run", string(id))
	}
	return r, err
}

func sees(who auth.Principal, owner string) bool { return who.Operator || who.Owner == owner }

func notFound(what, id string) error {
	return reeve.Errorf(reeve.CodeNotFound, "%s %s is not there", what, id)
}

// ownerFilter is the owner whose things a list shows; "" for every owner's.
func ownerFilter(who auth.Principal) string {
	if who.Operator {
		return ""
	}
	return who.Owner
}
