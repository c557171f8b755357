package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/reeve-run/reeve/internal/journal"
)

// hangs is the bound of one test. It is no measure of speed: a test that needs it hangs.
const hangs = 5 * time.Minute

// Option says what kind of store is tried.
type Option func(*suite)

// Shared says that nodes of the store live side by side: Join declares nobody dead.
func Shared() Option { return func(s *suite) { s.shared = true } }

type suite struct {
	open   func(t *testing.T) journal.Store
	shared bool
}

// Run tries the store that open gives; each test opens its own, in parallel with others,
// and closes it. What open makes must be empty.
func Run(t *testing.T, open func(t *testing.T) journal.Store, opts ...Option) {
	s := &suite{open: open}
	for _, opt := range opts {
		opt(s)
	}
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"log", logTests},
		{"append", appendTests},
		{"resend", resendTests},
		{"change", changeTests},
		{"accept", acceptTests},
		{"key", keyTests},
		{"answer", answerTests},
		{"cancel", cancelTests},
		{"retry", retryTests},
		{"claim", claimTests},
		{"release", releaseTests},
		{"nodes", nodeTests},
		{"inbox", inboxTests},
		{"entries", entriesTests},
		{"lists", listTests},
		{"prune", pruneTests},
		{"keep", keepTests},
		{"concurrent", concurrentTests},
		{"model", modelTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.fn(s.fixture(t))
				})
			}
		})
	}
}

// test is one line of the contract; its name says what holds.
type test struct {
	name string
	fn   func(*fixture)
}

func (s *suite) fixture(t *testing.T) *fixture {
	store := s.open(t)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	t.Cleanup(cancel)
	f := &fixture{T: t, store: store, ctx: ctx, shared: s.shared}
	f.join(node)
	return f
}
