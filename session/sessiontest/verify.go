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
	Cleanup(func())
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
// two seconds before it fails, for units that are about to end. For parallel tests, whose
// units would be seen by each other, there is Context.
func VerifyNone(t TB) {
	t.Helper()
	before := map[session.Unit]bool{}
	for _, u := range session.Units() {
		before[identity(u)] = true
	}
	verify(t, func() []session.Unit {
		var since []session.Unit
		for _, u := range session.Units() {
			if !before[identity(u)] {
				since = append(since, u)
			}
		}
		return since
	})
}

// Context returns a context that makes the test fail, when it ends, with the
// opening lines of the units that were opened under it and are still open. Other tests
// may run at the same time.
func Context(t ContextTB) context.Context {
	t.Helper()
	witness := session.NewHolder()
	verify(t, witness.Units)
	return session.WithWitness(t.Context(), witness)
}

func verify(t TB, open func() []session.Unit) {
	t.Cleanup(func() {
		t.Helper()
		if left := await(open); len(left) > 0 {
			t.Errorf("%d units left open:%s", len(left), lines(left))
		}
	})
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

func lines(units []session.Unit) string {
	var b strings.Builder
	for _, u := range units {
		b.WriteString("\n\t" + u.Pool + ": opened at " + u.Opened.String())
	}
	return b.String()
}

// identity is the part of a unit that does not change while it is open.
func identity(u session.Unit) session.Unit {
	u.InUse, u.Op = false, ""
	return u
}
