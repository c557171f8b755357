package session

import (
	"fmt"
	"runtime"
	"strings"
)

// Site is a place in the source: the first frame outside the guard.
type Site struct {
	File string
	Line int
	Func string
}

// IsZero says whether the place is not known.
func (s Site) IsZero() bool { return s.File == "" }

// String is "file:line func", or "an unknown place".
func (s Site) String() string {
	if s.IsZero() {
		return "an unknown place"
	}
	return fmt.Sprintf("%s:%d %s", s.File, s.Line, s.Func)
}

// depth is how many frames are kept for a place that a unit opened at. A few
// more than the guard itself puts on the stack: each costs time in every open, and
// the first that is not the guard's is what the reader needs. Where the guard is
// called through a driver, deepest are kept.
const (
	depth   = 10
	deepest = 12
)

// trace is an unresolved place: program counters in a fixed array, so that
// taking it allocates nothing. It is resolved only when somebody reads it.
type trace [deepest]uintptr

// take records up to n callers above the caller of take.
func (t *trace) take(n int) { runtime.Callers(3, t[:n]) }

// here is the place of the call into the guard that is going on.
func here() Site {
	var t [32]uintptr
	runtime.Callers(2, t[:])
	return resolve(t[:])
}

func (t *trace) site() Site { return resolve(t[:]) }

func resolve(pcs []uintptr) Site {
	n := 0
	for n < len(pcs) && pcs[n] != 0 {
		n++
	}
	if n == 0 {
		return Site{}
	}
	frames := runtime.CallersFrames(pcs[:n])
	for {
		f, more := frames.Next()
		if !ours(f) || !more {
			return Site{File: f.File, Line: f.Line, Func: f.Function}
		}
	}
}

// passing are the packages whose frames stand between the author's line and
// the guard and tell him nothing. The guard's own tests are authors as well.
var passing = []string{"github.com/reeve-run/reeve/session", "github.com/reeve-run/reeve/agent", "database/sql.", "github.com/jackc/pgx/", "runtime."}

func ours(f runtime.Frame) bool {
	if strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	for _, p := range passing {
		if strings.HasPrefix(f.Function, p) {
			return true
		}
	}
	return false
}
