package gateway

import (
	"errors"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// maxBeats bounds the beats told of one run at one time: the tree's root comes first.
const maxBeats = 100

// sub is one start or follow of a socket. Its fields are guarded by the socket's mu.
type sub struct {
	id     wire.ID
	f      *follower // nil until it has begun
	queued bool      // stands in the socket's ready list
	gone   bool
}

// reserve takes the id. The error has CodeInvalid, CodeConflict or CodeTooLarge.
func (s *socket) reserve(id wire.ID) (*sub, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case id == "":
		return nil, reeve.Errorf(reeve.CodeInvalid, "id is missing: entries come under it as sub")
	case s.subs[id] != nil:
		return nil, reeve.Errorf(reeve.CodeConflict, "id %s is in use on this socket: unfollow it or take another", id)
	case len(s.subs) >= s.g.Limits.Subscriptions:
		return nil, reeve.Errorf(reeve.CodeTooLarge, "this socket follows %d things, the most it may: unfollow one", len(s.subs))
	}
	if s.subs == nil {
		s.subs = map[wire.ID]*sub{}
	}
	b := &sub{id: id}
	s.subs[id] = b
	return b, nil
}

// begin lets a subscription tell. One that was unfollowed meanwhile ends here.
func (s *socket) begin(b *sub, f *follower) {
	s.mu.Lock()
	b.f = f
	gone := b.gone
	s.mu.Unlock()
	if gone {
		s.g.endFollower(f)
		return
	}
	s.wake(b)
}

// wake says that a subscription has something to tell. It is called by publishers and does not block.
func (s *socket) wake(b *sub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.f == nil || b.gone || b.queued || s.ending != nil {
		return
	}
	b.queued = true
	s.ready = append(s.ready, b)
	s.wakeWriter()
}

// remove ends a subscription.
func (s *socket) remove(b *sub) {
	s.mu.Lock()
	f := b.f
	first := !b.gone
	b.gone = true
	if s.subs[b.id] == b {
		delete(s.subs, b.id)
	}
	s.mu.Unlock()
	if first && f != nil {
		s.g.endFollower(f)
	}
}

func (s *socket) unfollow(id wire.ID) error {
	s.mu.Lock()
	b := s.subs[id]
	s.mu.Unlock()
	if b == nil {
		return reeve.Errorf(reeve.CodeNotFound, "nothing is followed under id %s: it may have ended", id)
	}
	s.remove(b)
	s.send(wire.OK{Type: wire.TypeOK, ID: id})
	return nil
}

// resetOr answers a follow whose position cannot be served; other errors are given back.
func (s *socket) resetOr(b *sub, err error) error {
	if _, ok := errors.AsType[*wire.ResetError](err); !ok {
		return err
	}
	s.drop(b, err)
	return nil
}

// tick is the clock's: ends of silent sockets, pings and beats.
func (s *socket) tick(now time.Time) {
	due, running := s.look(now)
	if due {
		s.push(outgoing{kind: outPing})
	}
	for _, b := range running {
		s.beats(b)
	}
}

// look says whether a ping is due, and which subscriptions have a run that may beat. A socket
// whose time is over is ended.
func (s *socket) look(now time.Time) (ping bool, running []*sub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limits := s.g.Limits
	switch silent := now.Sub(s.at); {
	case !s.known && silent > wire.MS(limits.AuthMS):
		s.end(goodbye{wire.ClosePolicy, "no auth frame came"})
	case silent > wire.MS(limits.IdleMS):
		s.end(goodbye{wire.CloseNormal, "nothing was heard of the client"})
	}
	if s.ending != nil {
		return false, nil
	}
	if ping = now.Sub(s.lastPing) >= wire.MS(limits.PingMS); ping {
		s.lastPing = now
	}
	for _, b := range s.subs {
		if b.f != nil && *b.f.current.Load() != "" {
			running = append(running, b)
		}
	}
	return ping, running
}

// beats tells the signs of life of a followed run, where it runs on this node.
func (s *socket) beats(b *sub) {
	beats := s.g.Runs.Beats(*b.f.current.Load())
	for _, beat := range beats[:min(len(beats), maxBeats)] {
		s.offer(wire.Beat{Type: wire.TypeBeat, Sub: b.id, Beat: beat})
	}
}
