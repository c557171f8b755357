package sessiontest

import (
	"strings"
	"time"

	"github.com/reeve-run/reeve/session"
)

// TB is what VerifyNone needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
}

// grace is how long a unit may take to end after the test's function has.
const grace = 2 * time.Second

// VerifyNone fails the test, when it ends, with the opening lines of the units
// that were opened since this call and are still open. It looks again for two seconds
// before it fails, for units that are about to end.
func VerifyNone(t TB) {
	t.Helper()
	before := map[session.Unit]bool{}
	for _, u := range session.Units() {
		before[identity(u)] = true
	}
	t.Cleanup(func() {
		t.Helper()
		if left := leftOpen(before); len(left) > 0 {
			t.Errorf("%d units left open:\n\t%s", len(left), strings.Join(left, "\n\t"))
		}
	})
}

func leftOpen(before map[session.Unit]bool) []string {
	pause := time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		var left []string
		for _, u := range session.Units() {
			if !before[identity(u)] {
				left = append(left, u.Pool+": opened at "+u.Opened.String())
			}
		}
		if len(left) == 0 || waited > grace {
			return left
		}
		time.Sleep(pause)
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// identity is the part of a unit that does not change while it is open.
func identity(u session.Unit) session.Unit {
	u.InUse, u.Op = false, ""
	return u
}
