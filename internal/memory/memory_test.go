package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) journal.Store { return memory.New() })
}

func TestSharedStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) journal.Store { return memory.New(memory.Shared()) }, storetest.Shared())
}
