package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeve-run/reeve/session"
)

// logged is a guard's option, and what it logs.
func logged() (session.GuardOption, *lines) {
	l := &lines{}
	return session.WithLog(slog.New(slog.NewTextHandler(l, nil))), l
}

type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// watch opens a unit as an adapter does that only watches, and counts how often its session is taken.
func watch(t testing.TB, g *session.Guard) (*session.Hold, *atomic.Int32) {
	t.Helper()
	h, fresh, err := g.Admit(t.Context())
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	taken := &atomic.Int32{}
	h.Start(nil, func(bool) { taken.Add(1) })
	return h, taken
}

func TestWatchdogTakesWhatIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, said := logged()
		g := session.NewGuard("old", session.WithLimit(time.Minute), log)
		old, taken := watch(t, g)
		unit := open(t, g, t.Context())
		time.Sleep(30 * time.Second)
		young := open(t, g, t.Context())
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if !old.Over() || taken.Load() != 1 || !unit.Over() || young.Over() {
			t.Errorf("old over %t, taken %d times, unit over %t, young over %t", old.Over(), taken.Load(), unit.Over(), young.Over())
		}
		err := unit.Enter(session.OpExec)
		if ruleOf(err) != session.RuleEnded || ruleOf(context.Cause(unit.Context())) != session.RuleLeak {
			t.Errorf("got %v, the context's cause is %v", err, context.Cause(unit.Context()))
		}
		young.End(session.Committed, nil)
		time.Sleep(time.Hour)
		if n := said.count("rule=leak"); n != 2 || said.count("watchdog_test.go") == 0 {
			t.Errorf("%d reports: %s", n, &said.text)
		}
	})
}

// Where the author has set no bound, what is suspicious is told, once a line, and nobody is harmed.
func TestWatchdogTellsWithoutBeingAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, said := logged()
		g := session.NewGuard("suspicious", log)
		h, taken := watch(t, g)
		h.InTx(true)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if said.count("rule=idle") != 1 || said.count("rule=leak") != 0 {
			t.Errorf("after 20 s: %s", &said.text)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if said.count("rule=idle") != 1 || said.count("rule=leak") != 1 {
			t.Errorf("after an hour: %s", &said.text)
		}
		if h.Over() || taken.Load() != 0 {
			t.Error("its session was taken away")
		}
		h.End(session.Released, nil)
	})
}

func TestIdleIsATransactionInWhichNothingHappens(t *testing.T) {
	for name, c := range map[string]struct {
		inTx, busy bool
		want       bool
	}{
		"nothing happens":   {inTx: true, want: true},
		"statements happen": {inTx: true, busy: true},
		"no transaction":    {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, _ := logged()
				g := session.NewGuard("idle", session.WithIdle(time.Second), log)
				h := open(t, g, t.Context())
				h.InTx(c.inTx)
				for range 30 {
					time.Sleep(100 * time.Millisecond)
					if c.busy && h.Enter(session.OpExec) == nil {
						h.Exit(session.OpExec)
					}
				}
				synctest.Wait()
				if h.Over() != c.want {
					t.Errorf("over: %t, want %t", h.Over(), c.want)
				}
				if c.want && ruleOf(context.Cause(h.Context())) != session.RuleIdle {
					t.Errorf("the cause is %v", context.Cause(h.Context()))
				}
				h.End(session.Committed, nil)
			})
		})
	}
}

// Rows that are open and not read on are idle as well, and reading on wipes the mark off.
func TestIdleRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		h := open(t, session.NewGuard("idle rows", session.WithIdle(time.Second), log), t.Context())
		h.InTx(true)
		if err := h.Enter(session.OpQuery); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			h.Pause(session.OpQuery)
			time.Sleep(700 * time.Millisecond)
			if err := h.Resume(session.OpQuery); err != nil {
				t.Fatal(err)
			}
		}
		h.Pause(session.OpQuery)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := h.Resume(session.OpQuery); ruleOf(err) != session.RuleEnded {
			t.Errorf("got %v", err)
		}
	})
}

// The line where a unit is stuck is told, and not only the line that opened it.
func TestWatchdogTellsWhereAUnitIs(t *testing.T) {
	log, said := logged()
	g := session.NewGuard("where", session.WithLimit(20*time.Millisecond), log)
	h, err := g.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stuckInAModel(h.Begin())
	for begin := time.Now(); said.count("stuckInAModel") == 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("said %s", &said.text)
		}
	}
}

func stuckInAModel(ctx context.Context) { <-ctx.Done() }

// A unit that is opened while the watchdog looks is watched as well.
func TestNoUnitEscapesTheWatchdog(t *testing.T) {
	log, _ := logged()
	g := session.NewGuard("escape", session.WithLimit(time.Millisecond), log)
	for range 300 {
		h := open(t, g, t.Context())
		for begin := time.Now(); !h.Over(); runtime.Gosched() {
			if time.Since(begin) > 10*time.Second {
				t.Fatal("nobody looked at it")
			}
		}
	}
}

// handle stands for rows that a driver gives out.
type handle struct{ _ [64]byte }

func TestTheCollectorIsASecondWitness(t *testing.T) {
	log, said := logged()
	g := session.NewGuard("dropped", log)
	dropped, taken := watch(t, g)
	closed, kept := func() (*session.Hold, *session.Hold) {
		session.Witness(&handle{}, dropped, "rows of SELECT 1")
		closed, _ := watch(t, g)
		cleanup := session.Witness(&handle{}, closed, "rows of SELECT 2")
		cleanup.Stop()
		kept, _ := watch(t, g)
		return closed, kept
	}()
	for begin := time.Now(); !dropped.Over(); time.Sleep(time.Millisecond) {
		runtime.GC()
		if time.Since(begin) > 10*time.Second {
			t.Fatal("nobody saw it")
		}
	}
	for begin := time.Now(); taken.Load() == 0 && time.Since(begin) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	if taken.Load() != 1 || closed.Over() || kept.Over() {
		t.Errorf("taken %d times, closed over %t, kept over %t", taken.Load(), closed.Over(), kept.Over())
	}
	if said.count("rows of SELECT 1") != 1 || said.count("SELECT 2") != 0 {
		t.Errorf("said %s", &said.text)
	}
	closed.End(session.Released, nil)
	kept.End(session.Released, nil)
}

// The line that is named is the author's, however many calls a library puts between.
func TestTheAuthorsLineIsFoundBelowDeepLibraries(t *testing.T) {
	g := session.NewGuard("deep")
	session.PassThrough("github.com/reeve-run/reeve/session_test.libraryLayer",
		"github.com/reeve-run/reeve/session_test.TestTheAuthorsLineIsFoundBelowDeepLibraries.func")
	var h *session.Hold
	var err error
	libraryLayer(20, func() { h, err = g.Open(t.Context()) })
	if err != nil {
		t.Fatal(err)
	}
	defer h.End(session.Committed, nil)
	if s := h.Opened(); !strings.Contains(s.Func, "TestTheAuthorsLineIsFoundBelowDeepLibraries") {
		t.Errorf("opened at %s", s)
	}
	if u := session.Units(); len(u) != 1 || u[0].Number == 0 {
		t.Errorf("units %v", u)
	}
}

func libraryLayer(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	libraryLayer(n-1, f)
	_ = fmt.Sprint(n) // no tail call
}
