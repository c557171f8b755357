package supervisor_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/internal/memory"
	"github.com/reeve-run/reeve/internal/supervisor"
)

// TestOwnRunsOnly: what another process left on the store stays where it is, and an own run
// that waited comes back.
func TestOwnRunsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.New())
		left := w.fromElsewhere(t, &journal.Accept{Thread: "left", Create: true, Owner: "owner", Agent: "asks", Input: json.RawMessage(`{"text":""}`), OnBusy: reeve.Enqueue}).Run.ID
		n := w.start(supervisor.Config{Own: true}, asks)
		run := w.accept(n, "asks", `{"text":""}`)
		w.await(run, reeve.StatusWaiting)
		if _, err := n.Answer(context.Background(), &journal.Answer{Run: run, Path: "name", Value: json.RawMessage(`"me"`), By: "client"}); err != nil {
			t.Fatal(err)
		}
		w.await(run, reeve.StatusCompleted)
		time.Sleep(5 * time.Second)
		if r := w.run(left); r.Status != reeve.StatusQueued {
			t.Errorf("the run of another process is %s", r.Status)
		}
		n.end()
	})
}
