package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// Bounds of the wait before Follow tries again, and of the silence that it takes for a dead
// connection: the server says something every 15 s.
const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
	silence    = 50 * time.Second
)

// From says what to read, and from where: a run, or a thread when Run is "".
type From struct {
	Run    reeve.RunID
	Thread reeve.ThreadID
	After  int64 // the last position that is known; 0 for the beginning
	Epoch  int64 // of the position; 0 when it is not known
	Limit  int   // Entries only: 100 unless told, at most 1,000
}

func (f From) path(what string) []string {
	if f.Run != "" {
		return runPath(f.Run, what)
	}
	return []string{"v1", "threads", string(f.Thread), what}
}

func (f From) query() url.Values {
	q := url.Values{"after": {strconv.FormatInt(f.After, 10)}}
	if f.Epoch != 0 {
		q.Set("epoch", strconv.FormatInt(f.Epoch, 10))
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

// Entries reads a page of the log after a position. A position that cannot be served is CodeGone, with
// a *wire.ResetError in it. To read on, follow the last entry's Seq and Epoch while Next is not "".
func (c *Client) Entries(ctx context.Context, from From) (wire.Entries, error) {
	return fetch[wire.Entries](ctx, c, request{method: http.MethodGet, path: from.path("entries"), query: from.query()})
}

// Follow yields the entries after a position, each once and in order, and goes on live. A run's
// end with its last entry; a thread's go on until ctx ends, which is yielded as its error. When the
// connection breaks, Follow comes back at its position by itself. What it cannot mend is the last
// thing that it yields: a refusal of the server, a *wire.ResetError (CodeGone), or CodeUnavailable
// when the server was not to be reached for the client's patience.
func (c *Client) Follow(ctx context.Context, from From) iter.Seq2[reeve.Entry, error] {
	return func(yield func(reeve.Entry, error) bool) {
		f := &following{c: c, from: from, yield: yield, heard: time.Now()}
		for wait := backoffMin; ; wait = min(max(2*wait, backoffMin), backoffMax) {
			began := f.from.After
			err := f.once(ctx)
			switch {
			case f.stopped || errors.Is(err, errEnded):
				return
			case err != nil && !f.mendable(ctx, err):
				yield(reeve.Entry{}, err)
				return
			case f.from.After > began:
				// It went well until now: after a run's last entry the server says at once that it was.
				wait = 0
				continue
			}
			select {
			case <-ctx.Done():
				yield(reeve.Entry{}, context.Cause(ctx))
				return
			case <-time.After(wait/2 + rand.N(wait)): // spread, so that all clients of a server do not come at once
			}
		}
	}
}

// errEnded is a run that has nothing more to tell.
var errEnded = errors.New("the run has ended")

// following is one Follow.
type following struct {
	c       *Client
	from    From
	yield   func(reeve.Entry, error) bool
	stopped bool      // the caller has enough
	heard   time.Time // the last sign of the server
}

// mendable says whether coming back may help.
func (f *following) mendable(ctx context.Context, err error) bool {
	if ctx.Err() != nil || time.Since(f.heard) > f.c.patience {
		return false
	}
	switch reeve.CodeOf(err) {
	case reeve.CodeUnavailable, reeve.CodeRateLimited:
		return true
	}
	return false
}

// once opens the stream and reads it to its end. No error: the server closed it, come back.
func (f *following) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dead := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer dead.Stop()
	req, err := f.c.newRequest(ctx, request{method: http.MethodGet, path: f.from.path("events"), query: f.from.query()})
	if err != nil {
		return err
	}
	res, err := f.c.http.Do(req)
	if err != nil {
		return f.broken(ctx, err)
	}
	defer res.Body.Close()
	f.heard = time.Now()
	switch res.StatusCode {
	case http.StatusNoContent:
		return errEnded
	case http.StatusOK:
	default:
		data, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
		if err != nil {
			return f.broken(ctx, err)
		}
		return refusal(res, data)
	}
	events := newEvents(res.Body, func() { dead.Reset(silence); f.heard = time.Now() })
	for {
		e, err := events.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return f.broken(ctx, err)
		}
		if err := f.take(e); err != nil || f.stopped {
			return err
		}
	}
}

// errSilent is a connection on which not even a heartbeat came.
var errSilent = reeve.Errorf(reeve.CodeUnavailable, "nothing was heard of the server for %s", silence)

func (f *following) broken(ctx context.Context, err error) error {
	return unreachable(ctx, f.c, err)
}

// take handles one event.
func (f *following) take(e event) error {
	switch e.name {
	case "":
		return f.entry(e)
	case "reset":
		reset, err := decode[wire.ResetError](e)
		if err != nil {
			return err
		}
		return wire.ProblemOf(&reset).Err()
	case "problem":
		p, err := decode[wire.Problem](e)
		if err != nil {
			return err
		}
		return p.Err()
	}
	return nil // an event of a later server
}

func (f *following) entry(e event) error {
	entry, err := decode[reeve.Entry](e)
	if err != nil {
		return err
	}
	if entry.First != f.from.After+1 {
		return reeve.Errorf(reeve.CodeInternal, "the stream has a hole: after %d came %d to %d", f.from.After, entry.First, entry.Seq)
	}
	f.from.After, f.from.Epoch = entry.Seq, entry.Epoch
	f.stopped = !f.yield(entry, nil)
	return nil
}
