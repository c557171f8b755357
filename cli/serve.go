package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/server"
)

// serveCommand is the settings of reeve serve.
type serveCommand struct {
	*command
	addr, data, db, tokenFile, config string
	roots                             []string
	lease, grace, keep                time.Duration
	maxRuns, perOwner                 int
	pool                              int
}

func (c *command) serve() *cobra.Command {
	s := &serveCommand{command: c}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve agents over HTTP and WebSocket",
		Long: `Serve agents over HTTP and WebSocket, and run them.

Each flag may also stand in the environment (REEVE_ADDR for --addr, REEVE_TOKEN_FILE for --token-file;
several roots divided as in PATH) and in a file: --config names a JSON object such as
{"addr": "127.0.0.1:8000", "root": ["/srv/code"], "lease": "3s"}. A flag goes before the environment, and that
before the file; a key that is not known is an error.

The first SIGINT or SIGTERM drains: no new work, running work gets its time, the rest is handed on by
the log. The second stops at once; nothing is lost either way.`,
		Example: `  reeve serve
  reeve serve --addr 0.0.0.0:8000 --token-file /etc/reeve/tokens
  reeve serve --data /var/lib/reeve --root /srv/code --config /etc/reeve.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", "127.0.0.1:8000", "where to listen; anything but loopback needs --token-file")
	dataFlag(cmd, &s.data)
	f.StringVar(&s.db, "db", "", "the database: sqlite:PATH (default: a file in the data directory)")
	f.StringArrayVar(&s.roots, "root", nil, "a folder that agents may read, such as review (default: the working directory)")
	f.StringVar(&s.tokenFile, "token-file", "", "lines of SHA256-HEX OWNER [operator]; read again when it changes")
	f.StringVar(&s.config, "config", "", "a file of settings, as JSON")
	f.DurationVar(&s.lease, "lease", 3*time.Second, "how long the node counts as alive after a beat")
	f.DurationVar(&s.grace, "grace", 10*time.Second, "how long running work may go on when the server stops")
	f.IntVar(&s.maxRuns, "max-runs", 10_000, "runs in hand at once; more wait in the queue")
	f.IntVar(&s.perOwner, "per-owner", 0, "runs in hand at once of one owner; 0: no limit")
	f.DurationVar(&s.keep, "keep", 0, "how long ended runs are kept, such as 720h; 0: for ever")
	f.IntVar(&s.pool, "pool", 10, "connections to the database")
	setting(f, "addr", "db", "root", "token-file", "config", "lease", "grace", "keep", "pool", "max-runs", "per-owner")
	return cmd
}

// run serves until ctx ends, then drains; the command's hard end stops it at once.
func (s *serveCommand) run(ctx context.Context) error {
	log := serverLog(s.err)
	dir, err := dataDir(s.data)
	if err != nil {
		return err
	}
	roots, err := checkRoots(s.roots)
	if err != nil {
		return err
	}
	srv, err := server.New(ctx, server.Config{
		Agents: s.agents(roots...), Addr: s.addr, DataDir: dir, DB: s.db, TokenFile: s.tokenFile, Logger: log,
		Version: thisBuild().Version, Lease: s.lease, Pool: s.pool, Grace: s.grace, Retention: s.keep, MaxRuns: s.maxRuns, PerOwner: s.perOwner,
	})
	if err != nil {
		return cannotStart(err)
	}
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return cannotStart(errors.Join(listenError(s.addr, err), srv.Close()))
	}
	defer context.AfterFunc(s.hard, srv.Halt)()
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping: no new work is taken, running work gets its time; once more stops at once", "grace", s.grace)
	})()
	over := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		select {
		case <-srv.Ready():
			fmt.Fprintf(s.out, "reeve serves at http://%s\n", listener.Addr())
		case <-over:
		}
	})
	err = srv.Serve(ctx, listener)
	close(over)
	told.Wait()
	return err
}

// listenError says what to do about an address that cannot be had.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: another program has this address: stop it, or give another --addr: %w", addr, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: this user may not: give a port of 1024 or more with --addr: %w", addr, err)
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}
