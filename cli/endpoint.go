package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/server"
)

// kind says whose server a run goes to.
type kind int

const (
	named    kind = iota // the user named it
	borrowed             // it holds the data directory
	embedded             // it is in this process, for the length of the run
)

// lostPatience is how long a borrowed server that does not answer is waited for.
const lostPatience = 5 * time.Second

// embeddedGrace is how long others who use the embedded server may go on when its run has ended.
const embeddedGrace = time.Second

// endpoint is the server that a run goes to.
type endpoint struct {
	client *client.Client
	kind   kind
	halt   func() // an embedded server writes no more; for any other it does nothing
	close  func() error
}

func theirs(k kind, url string, opts ...client.Option) (*endpoint, error) {
	cl, err := newClient(url, opts...)
	if err != nil {
		return nil, err
	}
	return &endpoint{client: cl, kind: k, halt: func() {}, close: func() error { return nil }}, nil
}

// reach finds the server for the run, or starts one.
func (r *runCommand) reach(ctx context.Context, logs io.Writer) (*endpoint, error) {
	if r.url != "" {
		if len(r.roots) > 0 {
			return nil, usage("--root is for the server that runs the agents: give it to that one (reeve serve --root)")
		}
		return theirs(named, r.url)
	}
	address, held, err := r.holder(ctx)
	switch {
	case err != nil:
		return nil, err
	case held && len(r.roots) > 0:
		return nil, usage("the server at %s holds the data directory and has roots of its own: leave --root out, or name another --data", address)
	case held:
		fmt.Fprintf(logs, "using the server at %s, which holds the data directory\n", address)
		return theirs(borrowed, address, client.WithPatience(lostPatience))
	case r.detach:
		return nil, usage("--detach needs a server that goes on with the run: start `reeve serve` first, or give --url")
	}
	return r.embed(ctx, logs)
}

// embed starts a server in this process, on a free port of loopback, that takes up this run alone.
func (r *runCommand) embed(ctx context.Context, logs io.Writer) (*endpoint, error) {
	if names := r.agentNames(); !slices.Contains(names, r.start.Agent) {
		return nil, usage("no agent %q in this program: it has %s", r.start.Agent, strings.Join(names, ", "))
	}
	dir, err := dataDir(r.data)
	if err != nil {
		return nil, err
	}
	roots, err := checkRoots(r.roots)
	if err != nil {
		return nil, err
	}
	srv, err := server.New(ctx, server.Config{
		Agents: r.agents(roots...), Version: thisBuild().Version, DataDir: dir, Logger: quietLog(logs), Own: true, Grace: embeddedGrace,
	})
	if err != nil {
		return nil, cannotStart(err)
	}
	return r.serveEmbedded(ctx, srv)
}

// serveEmbedded lets it listen, and stops it when the endpoint is closed.
func (r *runCommand) serveEmbedded(ctx context.Context, srv *server.Server) (*endpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, cannotStart(errors.Join(err, srv.Close()))
	}
	cl, err := newClient("http://" + listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close(), srv.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(running, listener) }()
	closeIt := func() error {
		stop()
		return <-ended
	}
	select {
	case <-srv.Ready(): // what is accepted earlier would wait for a look of the supervisor
		return &endpoint{client: cl, kind: embedded, halt: srv.Halt, close: closeIt}, nil
	case err := <-ended:
		stop()
		return nil, cannotStart(err)
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), closeIt())
	}
}
