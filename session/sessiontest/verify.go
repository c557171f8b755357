package sessiontest

import (
	"context"
	"strings"
	"time"

	"github.com/reeve-run/reeve/session"
)

// TB is what this package needs of a *testing.T.
type TB interface {
	Helper()
	Name() string
	Cleanup(f func())
	Errorf(format string, args ...any)
}

// ContextTB is what Context needs of a *testing.T.
type ContextTB interface {
	TB
	Context() context.Context
}

// grace is how long a unit may take to end after the test's function has.
const grace = 2 * time.Second

// VerifyNone fails the test, when it ends, with the opening lines of the units
// that were opened since this call, by whoever, and are still open. It looks again for
// two seconds before it fails, for units that are about to end.
//
// Tests may run in parallel: a unit that may as well be of another test that called
// VerifyNone and still runs is left to that one's end, and the last that it may be of
// fails. Context tells them apart.
func VerifyNone(t TB) {
	t.Helper()
	v := enter(t.Name())
	t.Cleanup(func() {
		t.Helper()
		if left, tests := v.leave(); len(left) > 0 {
			t.Errorf("%d units left open%s:%s", len(left), also(tests), lines(left))
		}
	})
}

// Context returns a context that makes the test fail, when it ends, with the
// opening lines of the units that were opened under it and are still open. Other tests
// may run at the same time.
func Context(t ContextTB) context.Context {
	t.Helper()
	witness := session.NewHolder()
	t.Cleanup(func() {
		t.Helper()
		if left := await(witness.Units); len(left) > 0 {
			t.Errorf("%d units left open:%s", len(left), lines(left))
		}
	})
	return session.WithWitness(t.Context(), witness)
}

// await gives units the grace to end, and returns those that do not.
func await(open func() []session.Unit) []session.Unit {
	pause := time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		left := open()
		if len(left) == 0 || waited > grace {
			return left
		}
		time.Sleep(pause)
		pause = min(2*pause, 100*time.Millisecond)
	}
}

func also(tests []string) string {
	if len(tests) == 0 {
		return ""
	}
	return ", by this test or by " + strings.Join(tests, ", ")
}

func lines(units []session.Unit) string {
	var b strings.Builder
	for _, u := range units {
		b.WriteString("\n\t" + u.Pool + ": opened at " + u.Opened.String())
	}
	return b.String()
}
