package sessiontest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// judged is a test that is watched: it keeps what VerifyNone says about it.
type judged struct {
	context.Context
	name     string
	cleanups []func()
	said     string
}

func (j *judged) Name() string                   { return j.name }
func (*judged) Helper()                          {}
func (j *judged) Cleanup(f func())               { j.cleanups = append(j.cleanups, f) }
func (j *judged) Errorf(format string, a ...any) { j.said += fmt.Sprintf(format, a...) }
func (j *judged) end() string {
	for _, f := range j.cleanups {
		f()
	}
	return j.said
}

type contextual struct{ *judged }

func (c contextual) Context() context.Context { return c.judged.Context }

func TestVerifyNoneNamesWhatIsLeftOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := session.NewGuard("left")
		early, err := g.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		j := &judged{}
		sessiontest.VerifyNone(j)
		late, err := g.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said := j.end()
		if !strings.Contains(said, "1 units left open") || !strings.Contains(said, "verify_test.go") {
			t.Errorf("said %q", said)
		}
		late.End(session.Committed, nil)
		early.End(session.Committed, nil)
	})
}

func TestVerifyNoneWaitsForWhatIsAboutToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judged{}
		sessiontest.VerifyNone(j)
		h, err := session.NewGuard("ending").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { h.End(session.Committed, nil) })
		if said := j.end(); said != "" {
			t.Errorf("said %q", said)
		}
	})
}

// Of two tests at once, one leaves a unit open. The first to end cannot know whose it
// is; the last says so, and names both. What a test finds open is nobody's after it.
func TestVerifyNoneAmongParallelTests(t *testing.T) {
	g := session.NewGuard("among")
	old := opened(t, g)
	a, b := &judged{name: "TestA"}, &judged{name: "TestB"}
	sessiontest.VerifyNone(a)
	early := opened(t, g)
	sessiontest.VerifyNone(b)
	late, passing := opened(t, g), opened(t, g)
	early.End(session.Committed, nil)
	if said := a.end(); said != "" {
		t.Errorf("a: said %q", said)
	}
	passing.End(session.Committed, nil)
	if said := b.end(); !strings.Contains(said, "1 units left open, by this test or by TestA") {
		t.Errorf("b: said %q", said)
	}
	c := &judged{name: "TestC"}
	sessiontest.VerifyNone(c)
	if said := c.end(); said != "" {
		t.Errorf("c: said %q", said)
	}
	late.End(session.Committed, nil)
	old.End(session.Committed, nil)
}

// A unit that was open before the other test began is not the other's.
func TestVerifyNoneDoesNotPassOnWhatIsItsOwn(t *testing.T) {
	g := session.NewGuard("own")
	a, b := &judged{name: "TestA"}, &judged{name: "TestB"}
	sessiontest.VerifyNone(a)
	left := opened(t, g)
	defer left.End(session.Committed, nil)
	sessiontest.VerifyNone(b)
	if said := a.end(); !strings.Contains(said, "1 units left open:") {
		t.Errorf("a: said %q", said)
	}
	if said := b.end(); said != "" {
		t.Errorf("b: said %q", said)
	}
}

func opened(t *testing.T, g *session.Guard) *session.Hold {
	t.Helper()
	h, err := g.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestContextSeesItsOwnUnitsOnly(t *testing.T) {
	g := session.NewGuard("parallel")
	a, b := &judged{Context: t.Context()}, &judged{Context: t.Context()}
	ctxA, ctxB := sessiontest.Context(contextual{a}), sessiontest.Context(contextual{b})
	h, err := g.Open(session.WithHolder(ctxA, session.NewHolder()))
	if err != nil {
		t.Fatal(err)
	}
	defer h.End(session.Committed, nil)
	done, err := g.Open(ctxB)
	if err != nil {
		t.Fatal(err)
	}
	done.End(session.Committed, nil)
	if said := a.end(); !strings.Contains(said, "parallel: opened at") {
		t.Errorf("a: said %q", said)
	}
	if said := b.end(); said != "" {
		t.Errorf("b: said %q", said)
	}
}

func TestDatabaseDoesWhatItIsTold(t *testing.T) {
	d := sessiontest.NewDatabase()
	db := d.Use(t)
	err := sessionsql.Do(sessiontest.Context(t), db, func(ctx context.Context, tx *sessionsql.Tx) error {
		rows, err := tx.QueryContext(ctx, "rows 3")
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
		}
		if n != 3 {
			t.Errorf("%d rows", n)
		}
		_, err = tx.ExecContext(ctx, "fail")
		return err
	})
	if !errors.Is(err, sessiontest.ErrStatement) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := db.ExecContext(ctx, "block")
		done <- err
	}()
	<-d.Blocked()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := d.Statements(); n != 3 {
		t.Errorf("%d statements", n)
	}
}
