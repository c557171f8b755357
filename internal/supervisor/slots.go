package supervisor

import "sync"

// slots counts the runs that the node has in hand against its limits. A claim that is on
// its way counts as if every owner got all of it, so that no answer can break a limit.
type slots struct {
	max      int
	perOwner int // 0: no limit
	freed    func()

	mu       sync.Mutex
	used     int
	claiming int
	owners   map[string]int
	short    bool // somebody went without since room was last told of
}

func newSlots(limit, perOwner int, freed func()) *slots {
	return &slots{max: limit, perOwner: perOwner, freed: freed, owners: map[string]int{}}
}

// reserve takes a slot for a run of the owner, if there is room.
func (s *slots) reserve(owner string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+s.claiming >= s.max || s.full(owner) {
		s.short = true
		return false
	}
	s.add(owner)
	return true
}

func (s *slots) full(owner string) bool {
	return s.perOwner > 0 && s.owners[owner]+s.claiming >= s.perOwner
}

func (s *slots) add(owner string) {
	s.used++
	s.owners[owner]++
}

// release gives a slot back, and tells of it when somebody had gone without.
func (s *slots) release(owner string) {
	s.mu.Lock()
	s.used--
	if s.owners[owner]--; s.owners[owner] == 0 {
		delete(s.owners, owner)
	}
	tell := s.short
	s.short = false
	s.mu.Unlock()
	if tell {
		s.freed()
	}
}

// claim reserves room for up to batch threads of any owners but those at their limit.
// The caller hands the number back to claimed.
func (s *slots) claim(batch int) (limit int, except []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit = min(batch, s.max-s.used)
	if s.perOwner > 0 {
		limit = min(limit, s.perOwner)
	}
	for owner, n := range s.owners {
		switch {
		case s.perOwner == 0:
		case n >= s.perOwner:
			except = append(except, owner)
		default:
			limit = min(limit, s.perOwner-n)
		}
	}
	s.short = s.short || limit < batch || len(except) > 0
	s.claiming = max(0, limit)
	return s.claiming, except
}

// claimed turns what claim reserved into slots for what came of it.
func (s *slots) claimed(owners []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claiming = 0
	for _, owner := range owners {
		s.add(owner)
	}
}

// state is the runs in hand, and whether one more of the owner's would find room.
func (s *slots) state(owner string) (used int, room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.used < s.max && (s.perOwner == 0 || s.owners[owner] < s.perOwner)
}
