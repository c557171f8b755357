package gateway

import (
	"context"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/wire"
)

// handle does what a frame says. Frames are handled in their order; only starts of new threads,
// which have no order among each other, run side by side.
func (s *socket) handle(frame any) error {
	if f, ok := frame.(*wire.Auth); ok {
		return s.auth(f)
	}
	if s.waiting != nil {
		return reeve.Errorf(reeve.CodeUnauthenticated, "the first frame must be auth {token}")
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.g.requestTime())
	defer cancel()
	switch f := frame.(type) {
	case *wire.Start:
		return s.start(ctx, f)
	case *wire.Follow:
		return s.follow(ctx, f)
	case *wire.Unfollow:
		return s.unfollow(f.ID)
	case *wire.Cancel:
		return s.steer(f.ID, f.Run, func(id reeve.RunID) error {
			_, err := s.g.cancelFor(ctx, s.who, id, f.Reason)
			return err
		})
	case *wire.Answer:
		return s.steer(f.ID, f.Run, func(id reeve.RunID) error {
			_, err := s.g.answerFor(ctx, s.who, id, wire.AnswerAsk{Ask: f.Ask, Value: f.Value})
			return err
		})
	case *wire.Ping:
		s.send(wire.Pong{Type: wire.TypePong, ID: f.ID})
	}
	return nil
}

// auth takes a token as if it had come with the request.
func (s *socket) auth(f *wire.Auth) error {
	r := s.waiting
	switch {
	case s.named:
		return reeve.Errorf(reeve.CodeConflict, "this socket has said who it is: open another for another token")
	case r == nil: // no token is needed here, and any client may show one
		s.send(wire.OK{Type: wire.TypeOK, ID: f.ID})
		return nil
	}
	r.Header.Set("Authorization", "Bearer "+f.Token)
	who, err := s.g.Authenticate(r)
	if err != nil {
		return err
	}
	s.who, s.waiting, s.named = who, nil, true
	s.mu.Lock()
	s.known, s.at = true, time.Now()
	s.mu.Unlock()
	s.send(wire.OK{Type: wire.TypeOK, ID: f.ID})
	return nil
}

func (s *socket) steer(id wire.ID, run string, do func(reeve.RunID) error) error {
	parsed, err := reeve.ParseRunID(run)
	if err != nil {
		return err
	}
	if err := do(parsed); err != nil {
		return err
	}
	s.send(wire.OK{Type: wire.TypeOK, ID: id})
	return nil
}

func (s *socket) start(ctx context.Context, f *wire.Start) error {
	body := wire.StartRun{Agent: f.Agent, Input: f.Input, OnBusy: f.OnBusy}
	a, err := s.g.newAccept(s.who, f.Thread, body, f.Key)
	if err != nil {
		return err
	}
	b, err := s.reserve(f.ID)
	if err != nil {
		return err
	}
	if !a.Create {
		return s.accept(ctx, b, a)
	}
	if s.starts == nil {
		s.starts = make(chan struct{}, s.g.Limits.Starts)
	}
	select {
	case s.starts <- struct{}{}:
	case <-ctx.Done():
		s.remove(b)
		return ctx.Err()
	}
	s.work.Go(func() {
		defer func() { <-s.starts }()
		ctx, cancel := context.WithTimeout(s.ctx, s.g.requestTime())
		defer cancel()
		if err := s.accept(ctx, b, a); err != nil {
			s.refuse(b.id, err)
		}
	})
	return nil
}

// accept starts the run under a reserved subscription.
func (s *socket) accept(ctx context.Context, b *sub, a *journal.Accept) error {
	res, f, err := s.g.startFollowed(ctx, s.who, a, func() { s.wake(b) }, s.budget)
	if err != nil {
		s.remove(b)
		return err
	}
	s.send(wire.Accepted{Type: wire.TypeAccepted, ID: b.id, Run: res.Run.ID, Thread: res.Run.Thread, Seq: res.Run.FirstSeq - 1})
	s.begin(b, f)
	return nil
}

func (s *socket) follow(ctx context.Context, f *wire.Follow) error {
	on, err := followTarget(f)
	if err != nil {
		return err
	}
	from := place{after: f.After, epoch: noEpoch}
	if f.Epoch != nil {
		from.epoch = *f.Epoch
	}
	if from.after < 0 || from.epoch < noEpoch {
		return reeve.Errorf(reeve.CodeInvalid, "after and epoch must be 0 or more")
	}
	b, err := s.reserve(f.ID)
	if err != nil {
		return err
	}
	fo := s.g.newFollower(on, func() { s.wake(b) }, s.budget)
	if err := fo.open(ctx, s.who, from); err != nil {
		s.g.endFollower(fo)
		s.remove(b)
		return s.resetOr(b, err)
	}
	s.send(wire.OK{Type: wire.TypeOK, ID: b.id})
	s.begin(b, fo)
	return nil
}

func followTarget(f *wire.Follow) (target, error) {
	if (f.Thread == "") == (f.Run == "") {
		return target{}, reeve.Errorf(reeve.CodeInvalid, "follow wants a thread or a run, one of them")
	}
	if f.Run != "" {
		run, err := reeve.ParseRunID(f.Run)
		return target{thread: run.Thread(), run: run}, err
	}
	thread, err := reeve.ParseThreadID(f.Thread)
	return target{thread: thread}, err
}
