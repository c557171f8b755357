package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/server"
)

// sparedFiles is how many file descriptors a process needs beside its sockets.
const sparedFiles = 200

// sockets measures a whole server over real sockets: how soon a run's first entry is at its client, and
// what an idle socket costs.
func (b *Bench) sockets(ctx context.Context) (w WebSocket, acceptMS float64, err error) {
	url, stop, err := b.serve(ctx)
	if err != nil {
		return w, 0, err
	}
	defer func() { err = first(err, stop()) }()
	b.sayf("a run's start at a client")
	if acceptMS, err = firstEntry(ctx, url); err != nil {
		return w, 0, err
	}
	if w, err = b.idle(ctx, url); err != nil {
		return w, 0, err
	}
	return w, acceptMS, nil
}

// serve starts a server on a free port of loopback.
func (b *Bench) serve(ctx context.Context) (url string, stop func() error, err error) {
	dir := filepath.Join(b.Dir, "server")
	srv, err := server.New(ctx, server.Config{
		Agents: []agent.Runnable{stepper}, DataDir: dir, Pool: b.Pool, Grace: time.Second,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, errors.Join(err, srv.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(running, listener) }()
	stop = func() error {
		cancel()
		return first(<-ended, os.RemoveAll(dir))
	}
	ready, done := context.WithTimeout(ctx, startBound)
	defer done()
	select {
	case <-srv.Ready():
		return listener.Addr().String(), stop, nil
	case <-ready.Done():
		return "", nil, errors.Join(fmt.Errorf("the server is not ready: %w", context.Cause(ready)), stop())
	}
}

// idle counts what idle sockets cost the server's process, which is this one.
func (b *Bench) idle(ctx context.Context, url string) (w WebSocket, err error) {
	n, err := affordable(b.Sockets)
	if err != nil {
		return w, err
	}
	if n < b.Sockets {
		b.sayf("this process may have only so many files open: %d sockets instead of %d", n, b.Sockets)
	}
	before, err := resident()
	if err != nil {
		return w, err
	}
	b.sayf("%d idle sockets", n)
	hangUp, err := b.dial(ctx, url, n)
	if err != nil {
		return w, err
	}
	defer func() { err = first(err, hangUp()) }()
	after, err := resident()
	if err != nil {
		return w, err
	}
	return WebSocket{Idle: n, BytesEach: (after - before) / int64(max(1, n))}, nil
}

// affordable is how many sockets the limit of open files allows. Go has raised it to the hard limit already.
func affordable(n int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("ask for the limit of open files: %w", err)
	}
	if limit.Max < uint64(n)+sparedFiles {
		return max(0, int(limit.Max)-sparedFiles), nil
	}
	return n, nil
}

// dial lets a process of its own open the sockets, and returns when all are open.
func (b *Bench) dial(ctx context.Context, url string, n int) (hangUp func() error, err error) {
	if len(b.Client) == 0 {
		return nil, errors.New("no command line for the process that opens sockets")
	}
	args := slices.Concat(b.Client[1:], []string{url, strconv.Itoa(n)})
	cmd := exec.CommandContext(ctx, b.Client[0], args...)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sockets' clients: %w", err)
	}
	hangUp = func() error {
		_ = stdin.Close() // its end is what the clients wait for
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("the sockets' clients: %w: %s", err, trouble.String())
		}
		return nil
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if strings.TrimSpace(line) != strconv.Itoa(n) {
		return nil, errors.Join(fmt.Errorf("the sockets' clients said %q: %w", line, err), hangUp())
	}
	return hangUp, nil
}

// Clients opens n WebSockets to the server at an address HOST:PORT, writes n to out when all are open, and
// holds them until in ends. It is what the process of Bench.Client does.
func Clients(ctx context.Context, address, n string, in io.Reader, out io.Writer) error {
	count, err := strconv.Atoi(n)
	if err != nil || count < 0 {
		return fmt.Errorf("%q: want a number of sockets", n)
	}
	held, err := open(ctx, address, count)
	defer held.close()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, count); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
