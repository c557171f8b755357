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
	cleanups []func()
	said     string
}

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
