package supervisor

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
)

const (
	inboxEvery = time.Second
	// inboxPatience is how many looks a thread that is not in hand yet is kept for: its
	// claim may be on its way.
	inboxPatience = 10
)

// inbox is the threads that somebody wrote to and that have not been read. It belongs to
// the goroutine of reads.
type inbox struct {
	unread  map[reeve.ThreadID]int // looks so far
	trouble trouble
	missed  bool // a look failed, and what it had taken may be gone: read every thread
}

func newInbox() *inbox { return &inbox{unread: map[reeve.ThreadID]int{}} }

// reads looks at the inbox once a second until ctx ends. It also settles doubts, because it is the
// supervisor's reader.
func (s *Supervisor) reads(ctx context.Context) {
	every := time.NewTicker(inboxEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		err := s.look(ctx)
		if ctx.Err() == nil {
			s.inbox.trouble.note(s.log, "a look at the inbox", err)
			s.examine(ctx)
		}
	}
}

// look takes the marks off the node's threads and reads those threads on.
func (s *Supervisor) look(ctx context.Context) error {
	t := s.term.Load()
	if t == nil {
		return nil
	}
	unit, cancel := context.WithTimeout(ctx, unitBound)
	defer cancel()
	threads, err := s.cfg.Journal.Inbox(unit, t.node)
	if err != nil {
		s.inbox.missed = true
		return err
	}
	for _, thread := range threads {
		s.inbox.unread[thread] = 0
	}
	if s.inbox.missed {
		for _, e := range s.table.list(nil) {
			s.inbox.unread[e.claim.Run.Thread] = 0
		}
		s.inbox.missed = false
	}
	return s.readUnread(unit)
}

// readUnread delivers what is new in the unread threads. What cannot be read stays unread.
func (s *Supervisor) readUnread(ctx context.Context) error {
	for thread, looks := range s.inbox.unread {
		e := s.table.on(thread)
		if e == nil && looks < inboxPatience {
			s.inbox.unread[thread]++
			continue
		}
		if e != nil {
			if err := s.read(ctx, e); err != nil {
				return err
			}
		}
		delete(s.inbox.unread, thread)
	}
	return nil
}

func (s *Supervisor) read(ctx context.Context, e *execution) error {
	q := journal.EntryQuery{Thread: e.claim.Run.Thread, Run: e.run(), After: e.checked, Kinds: outsideKinds}
	for entry, err := range s.cfg.Journal.All(ctx, q) {
		if err != nil {
			return err
		}
		e.deliver(entry)
		e.checked = entry.Seq
	}
	return nil
}
