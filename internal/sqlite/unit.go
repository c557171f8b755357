package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

const (
	turnWait = 30 * time.Second // for the units before this one
	readFor  = 15 * time.Second // a read that goes on longer would keep the write-ahead log from being folded back
)

// clock is the store's time, in microseconds since 1970.
func clock() int64 { return time.Now().UnixMicro() }

func timeOf(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

// write runs fn in the writing unit. The caller's context bounds the wait for the turn
// alone: a commit that has begun is not broken off, so that its outcome is known.
func (s *Store) write(ctx context.Context, what string, fn func(context.Context, *sessionsql.Tx) error) error {
	if err := s.takeTurn(ctx, what); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // an error, or a panic: what is remembered may not be what was written
			s.forget()
		}
		s.turn <- struct{}{}
	}()
	if err := s.writer.Do(context.WithoutCancel(ctx), fn); err != nil {
		return fmt.Errorf("%s: %w", what, s.explain(err))
	}
	committed = true
	return nil
}

func (s *Store) takeTurn(ctx context.Context, what string) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	select { // the usual case, without a timer
	case <-s.turn:
		return nil
	default:
	}
	bound := time.NewTimer(turnWait)
	defer bound.Stop()
	select {
	case <-s.turn:
		return nil
	case <-s.done:
		return errClosed()
	case <-ctx.Done():
		return fmt.Errorf("%s: wait for the writer: %w", what, ctx.Err())
	case <-bound.C:
		return fmt.Errorf("%s: the writer has been busy for %s: look at the disk that holds %s", what, turnWait, s.path)
	}
}

// read runs fn in a unit of a reader: everything it reads is of one moment.
func (s *Store) read(ctx context.Context, what string, fn func(context.Context, *sessionsql.Tx) error) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	err := s.reader.Do(ctx, fn)
	if _, refusal := errors.AsType[*reeve.Error](err); err == nil || refusal {
		return err
	}
	return fmt.Errorf("%s: %w", what, s.explain(err))
}

func (s *Store) open(ctx context.Context) error {
	select {
	case <-s.done:
		return errClosed()
	default:
		return ctx.Err()
	}
}

func errClosed() error { return reeve.Errorf(reeve.CodeUnavailable, "the store is closed") }

// forget drops what was remembered from earlier commits. The caller has the turn.
func (s *Store) forget() {
	clear(s.threads.rows)
	s.serials = serials{}
}

// explain says what a database error means to an operator. Decisions pass through.
func (s *Store) explain(err error) error {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_TOOBIG, codes.SQLITE_CONSTRAINT, codes.SQLITE_MISMATCH:
		return &journal.PoisonError{Err: err}
	case codes.SQLITE_FULL:
		return fmt.Errorf("the disk that holds %s is full: make room on it; nothing is damaged, and reeve goes on by itself: %w", s.path, err)
	case codes.SQLITE_IOERR:
		return fmt.Errorf("the disk that holds %s does not work, or is full: look at the system's log and make room: %w", s.path, err)
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return fmt.Errorf("another program keeps %s locked: end it (fuser names it): %w", s.path, err)
	case codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_CANTOPEN:
		return fmt.Errorf("%s or its directory cannot be written: give this user the right, or name another --data: %w", s.path, err)
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return damaged(s.path, err)
	}
	return err
}
