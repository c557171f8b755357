package regress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/wire"
)

// Session cleanup: nothing that fails leaves a session open. open and database look for what is
// left, when each of these tests ends.

// failing is an agent that ends badly with a unit of its own in hand.
func failing(pool session.Pool[*sessionsql.Tx], started chan<- struct{}) *agent.Agent[string, int] {
	ends := map[string]func(context.Context) error{
		"fail":     func(context.Context) error { return agent.Permanent(errors.New("broken")) },
		"panic":    func(context.Context) error { panic("broken") },
		"time out": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"cancel":   func(ctx context.Context) error { started <- struct{}{}; <-ctx.Done(); return ctx.Err() },
		"ignore":   func(ctx context.Context) error { <-ctx.Done(); return nil }, // the error of its end
	}
	leaf := agent.New("leaf", func(ctx agent.Context, how string) (int, error) {
		return agent.Step(ctx, "hold", func(ctx context.Context) (int, error) {
			return 1, pool.Do(ctx, func(ctx context.Context, tx *sessionsql.Tx) error {
				if err := note(ctx, tx, "%s", how); err != nil {
					return err
				}
				return ends[how](ctx)
			})
		}, agent.Tries(1), agent.Timeout(timeoutOf(how)))
	})
	return agent.New("failing", func(ctx agent.Context, how string) (int, error) {
		_, err := agent.Parallel(ctx, leaf, []string{how, how, how})
		return 0, err
	})
}

func timeoutOf(how string) time.Duration {
	if how == "time out" || how == "ignore" {
		return 200 * time.Millisecond
	}
	return 0
}

func TestAgentsThatEndBadlyLeaveNoSession(t *testing.T) {
	for how, want := range map[string]reeve.Code{
		"fail": reeve.CodeStepFailed, "panic": reeve.CodePanic, "time out": reeve.CodeTimeout, "ignore": reeve.CodeTimeout, "cancel": "",
	} {
		t.Run(how, func(t *testing.T) {
			db, pool := database(t)
			started := make(chan struct{}, 3)
			h := open(t, failing(pool, started))
			id := h.begin("failing", how).ID
			if how == "cancel" {
				<-started
				if status := h.call("POST", "/v1/runs/"+string(id)+"/cancel", wire.Nothing{}, nil); status != http.StatusAccepted {
					t.Fatalf("cancel: status %d", status)
				}
			}
			run := h.await(id, hang)
			switch {
			case how == "cancel" && run.Status != reeve.StatusCancelled:
				t.Errorf("run is %s", run.Status)
			case how != "cancel" && (run.Status != reeve.StatusFailed || run.Error.Code != want):
				t.Errorf("run is %s with %+v, want %s", run.Status, run.Error, want)
			}
			eventually(t, "the author's connections are free", func() bool { return db.Stats().InUse == 0 })
			if n := notes(t, pool); n != 0 {
				t.Errorf("%d notes of units that did not end well", n)
			}
		})
	}
}

// TestHandlersThatFailHalfWayLeaveNoSession breaks off at every point where a client can, many times
// over. Then the server must serve as before.
func TestHandlersThatFailHalfWayLeaveNoSession(t *testing.T) {
	h := open(t, fiveSteps)
	run := h.completes(h.begin("five steps", nil).ID)
	const post = "POST /v1/runs HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
	const start = `{"agent":"five steps"}`
	const upgrade = "GET /v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	host := strings.TrimPrefix(h.url, "http://")
	for name, says := range map[string]string{
		"a header cut":                 "POST /v1/runs HTT",
		"a body cut":                   fmt.Sprintf(post, host, len(start)+1, start),
		"a body that never comes":      fmt.Sprintf(post, host, 100, ""),
		"gone before the answer":       fmt.Sprintf(post, host, len(start), start),
		"a stream left":                fmt.Sprintf("GET /v1/runs/%s/events HTTP/1.1\r\nHost: %s\r\n\r\n", run.ID, host),
		"a wait left":                  fmt.Sprintf("GET /v1/runs/%s?wait=30s HTTP/1.1\r\nHost: %s\r\n\r\n", run.ID, host),
		"a socket cut in the upgrade":  fmt.Sprintf(upgrade, host),
		"a socket cut in a frame":      fmt.Sprintf(upgrade, host) + "\x81\xfe\xff\xff\x00\x00\x00\x00{",
		"a socket with a broken frame": fmt.Sprintf(upgrade, host) + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				breakOff(t, host, says)
			}
			eventually(t, "no unit is open", func() bool { return len(session.Units()) == 0 })
		})
	}
	h.completes(h.begin("five steps", nil).ID)
	if status := h.call("GET", "/health", nil, nil); status != http.StatusOK {
		t.Errorf("health: status %d", status)
	}
}

// breakOff says something to the server, takes what it answers at once, and is gone.
func breakOff(t *testing.T, host, says string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", host, hang)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, says); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, _ = io.Copy(io.Discard, c) // whatever there is by then
	_ = c.(*net.TCPConn).SetLinger(0)
}

// TestASocketCutAfterItsStartLeavesTheRun: the run is the server's, not the socket's.
func TestASocketCutAfterItsStartLeavesTheRun(t *testing.T) {
	h := open(t, fiveSteps)
	var ids []reeve.RunID
	for range 20 {
		s := dial(t, h.url)
		ids = append(ids, s.start("five steps", nil).Run)
		s.drop()
	}
	for _, id := range ids {
		h.completes(id)
	}
}
