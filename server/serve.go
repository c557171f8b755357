package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the HTTP server. Bodies and streams have the gateway's own.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// closeBound is how long clients may take to be told that the server stops.
	closeBound = 5 * time.Second
)

// Run listens on Config.Addr and serves until ctx ends or Halt is called; it returns when
// everything has stopped. An error means that it could not listen, join, or close.
func (s *Server) Run(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), s.Close())
	}
	return s.Serve(ctx, l)
}

// Serve is Run on a listener of the caller's; it closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if s.cfg.open() && !local(l.Addr()) {
		return errors.Join(errOpen(l.Addr().String()), l.Close(), s.Close())
	}
	if err := s.announce(l.Addr()); err != nil {
		return errors.Join(err, l.Close(), s.Close())
	}
	hs := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var served sync.WaitGroup
	var broke error
	served.Go(func() {
		if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			broke = fmt.Errorf("serve on %s: %w", l.Addr(), err)
			stop()
		}
	})
	err := s.work(ctx, func(bound context.Context) {
		if hs.Shutdown(bound) != nil {
			_ = hs.Close() // whoever is left does not listen
		}
		served.Wait()
	})
	return errors.Join(broke, err)
}

// Work is Run for a program that mounts Handler in its own mux and listens itself. It is to keep its
// own listener open until Work has returned, so that clients can read to the end.
func (s *Server) Work(ctx context.Context) error {
	return s.work(ctx, func(context.Context) {})
}

// announce tells those who find the data directory held where to reach its holder.
func (s *Server) announce(addr net.Addr) error {
	url := "http://" + addr.String()
	s.address.Store(&url)
	for _, lock := range s.locks {
		if err := lock.SetAddress(url); err != nil {
			return err
		}
	}
	s.cfg.Logger.Info("the server listens", "url", url, "data", s.cfg.DataDir, "database", redactURL(s.cfg.DB))
	return nil
}

// work starts the parts from the log up, and stops them from the supervisor down: the journal lives
// as long as anybody may write, the store longest.
func (s *Server) work(ctx context.Context, hangUp func(bound context.Context)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	logging, stopLog := context.WithCancel(context.Background())
	defer stopLog()
	var log, others sync.WaitGroup
	var lasting error
	log.Go(func() { lasting = s.journal.Run(logging) })
	others.Go(func() { s.retain(ctx) })
	unhalt := context.AfterFunc(s.halted, func() { s.runs.Halt(); stop() })
	defer unhalt()

	drain := context.AfterFunc(ctx, func() { s.draining.Store(true) })
	defer drain()
	err := s.runs.Run(ctx)
	s.draining.Store(true)
	stop()
	s.closeClients(hangUp)
	others.Wait()
	stopLog()
	log.Wait()
	return errors.Join(err, lasting, s.Close())
}

// closeClients ends streams and sockets, then the listener. Halt ends the patience.
func (s *Server) closeClients(hangUp func(bound context.Context)) {
	bound, cancel := context.WithTimeout(s.halted, closeBound)
	defer cancel()
	if err := s.gateway.Close(bound); err != nil && s.halted.Err() == nil {
		s.cfg.Logger.Warn("some clients did not take the end of their streams in time", "err", err)
	}
	hangUp(bound)
}
